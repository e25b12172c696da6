# SPDX-License-Identifier: BSD-2-Clause
"""Machines on which memory comes and goes while the kernel runs."""

from __future__ import annotations

from typing import Tuple

from row import MEMORY_LATER, OF_MEMORY_LATER, Row

ONLY = "selftest=hot_memory.*"
# They fill all memory, for which the emulator's host would have to find room.
OF_SMALL_MACHINES = ("hot_memory.pages_in_page_caches_are_free",)
OF_SEVERAL_CPUS = ("hot_memory.a_cpu_that_was_offline_reaches_memory_that_was_added_meanwhile",)
A_NEW_ENTRY = r"^memory: .* added; new entries in each root: 1$"

HOT_MEMORY: Tuple[Row, ...] = (
    Row("adds_and_removes_memory", append=f"{MEMORY_LATER} {ONLY}", must_run=OF_MEMORY_LATER),
    Row(
        "adds_and_removes_memory_with_a_linear_map_of_pages",
        append=f"linear=pages {MEMORY_LATER} {ONLY}",
        must_run=OF_MEMORY_LATER,
    ),
    # No RAM of the boot has the root entry of the memory that is added.
    Row(
        "adds_memory_behind_a_late_root_entry",
        memory="513G",
        append=f"memory.later=1G@0x8040000000 {ONLY}",
        shows=(A_NEW_ENTRY,),
        must_run=OF_MEMORY_LATER,
        may_skip=OF_SMALL_MACHINES,
    ),
    Row(
        "adds_memory_behind_a_late_root_entry_with_4k-39",
        preset="4k-39",
        memory="2G",
        append=f"memory.later=1G@0x80000000 {ONLY}",
        shows=(A_NEW_ENTRY,),
        must_run=OF_MEMORY_LATER,
        may_skip=OF_SMALL_MACHINES,
    ),
    Row(
        "holds_no_memory_back_that_the_boot_needs",
        cpus=1,
        append="memory.later=256M@0x40000000 selftest=page_allocator.*",
        shows=(
            "^boot argument memory.later=256M@0x40000000: contains the image, the device tree or reserved "
            "memory, nothing is held back$",
        ),
    ),
    *(
        Row(
            f"adds_and_removes_memory_many_times_on_{cpus}_cpus",
            cpus=cpus,
            append=f"{MEMORY_LATER} {ONLY} selftest.repeat=20 selftest.timeout=300",
            checks=("repeated_report", "summary"),
            must_run=OF_MEMORY_LATER,
            may_skip=OF_SEVERAL_CPUS if cpus == 1 else (),
            is_long=True,
        )
        for cpus in (1, 2, 4, 16, 64)
    ),
)

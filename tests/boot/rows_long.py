# SPDX-License-Identifier: BSD-2-Clause
"""Rows that take too long for every change. `./percival test --long` runs them."""

from __future__ import annotations

from typing import Tuple

from row import GEOMETRIES, MEMORY_LATER, NOT_WITH_A_COMMON_ROOT, OF_REPAINT, Row
from rows_percpu import fixup_on_a_common_root

# All small counts, and larger ones up to the maximum.
COUNTS = (*range(1, 17), 24, 32, 48, 64, 96, 128, 160, 256, 512)
PATIENT = "selftest.timeout=300"
MODES = ("local", "restart", "fixup", "guarded")

LONG: Tuple[Row, ...] = (
    *(
        Row(
            f"passes_every_self_test_on_{cpus}_cpus",
            cpus=cpus,
            memory="4G",
            append="selftest=*",
            is_long=True,
        )
        for cpus in COUNTS
    ),
    *(
        Row(
            f"repaints_the_linear_map_with_{preset}_on_{cpus}_cpus",
            preset=preset,
            cpus=cpus,
            memory="4G",
            append=f"cpufeature.mask=cpu1:bbm {OF_REPAINT}",
            shows=("^linear map: repainted with pages for cpu1: ",),
            is_long=True,
        )
        for preset in ("4k-48", *GEOMETRIES)
        for cpus in (2, 3, 16, 64)
    ),
    *(
        Row(
            f"passes_every_self_test_with_percpu_{mode}_on_a_common_root",
            cpus=8,
            append=f"percpu={mode} roots=common {MEMORY_LATER}",
            must_run=("*",),
            may_skip=NOT_WITH_A_COMMON_ROOT,
            is_long=True,
        )
        for mode in MODES[1:]
    ),
    *(
        fixup_on_a_common_root("passes_every_self_test", preset, cpu, is_long=True)
        for preset in ("debug", "no-local-percpu", *GEOMETRIES)
        for cpu in ("max", "neoverse-n1")
        if cpu == "max" or preset.endswith("-52")
    ),
    Row(
        "probes_find_nothing_forbidden_in_1000_tries_twice",
        cpus=2,
        append="probe probe.tries=1000",
        times=2,
        checks=("summary",),
        is_long=True,
    ),
    # A failure of one run in a hundred is a defect, too. A hang is told late, because a loaded host may run
    # the machine for a few seconds of each minute only.
    Row("passes_20_times", append=PATIENT, times=20, is_long=True),
    Row("passes_20_times_with_debug", preset="debug", append=PATIENT, times=20, is_long=True),
    *(
        Row(
            f"passes_20_times_with_percpu_{mode}_on_8_cpus",
            cpus=8,
            append=f"percpu={mode} {PATIENT}",
            times=20,
            is_long=True,
        )
        for mode in MODES
    ),
)

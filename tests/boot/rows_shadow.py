# SPDX-License-Identifier: BSD-2-Clause
"""Rows about the shadow of percpu memory: the preset shadow, in which every access is checked."""

from __future__ import annotations

from typing import Tuple

from row import OF_MAPPED_WINDOWS, Row

ALLOCATED = r"^percpu: allocated by$"
FREED = r"^percpu: freed by$"

SHADOW: Tuple[Row, ...] = (
    Row(
        "passes_with_every_access_to_percpu_memory_checked",
        preset="shadow",
        append="selftest=percpu*,this_cpu*,roots.*,root_sync.*,preemption.*,migration.*,hotplug.*",
        must_run=("percpu_shadow*",),
    ),
    Row(
        "passes_with_the_shadow_of_mapped_windows",
        preset="shadow",
        append="percpu.window=mapped selftest=percpu_shadow*,percpu_population.*,percpu_failure.*,roots.*",
        must_run=("percpu_shadow*", *OF_MAPPED_WINDOWS),
    ),
    Row("passes_all_tests_with_a_shadow", preset="shadow", must_run=("percpu_shadow*",), is_long=True),
    Row(
        "a_use_of_percpu_memory_after_its_free_is_reported_with_all_backtraces",
        preset="shadow",
        append="selftest=percpu_shadow.uses_an_object_after_its_free",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=(
            r"^percpu: write of 8 bytes at V:0x[0-9a-f]+, a local address, in the copy of cpu 0$",
            r"^percpu: byte 0 of an object of 8 bytes at V:0x[0-9a-f]+$",
            ALLOCATED,
            FREED,
            r"^panic: percpu memory: use after free$",
        ),
    ),
    Row(
        "an_overrun_of_percpu_memory_is_reported_with_its_object",
        preset="shadow",
        append="selftest=percpu_shadow.overruns_an_object_by_its_global_address",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=(
            r"^percpu: write of 1 bytes at V:0x[0-9a-f]+, a global address, in the copy of cpu 0$",
            r"^percpu: byte 13 of an object of 13 bytes at V:0x[0-9a-f]+$",
            ALLOCATED,
            r"^panic: percpu memory: access out of bounds$",
        ),
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Rows about the end of a run: verdicts, and the reports of failures, panics and hangs."""

from __future__ import annotations

from typing import Tuple

from row import Row

ENDS: Tuple[Row, ...] = (
    Row("passes_with_the_verdict_by_power_off", append="verdict=poweroff selftest=percpu.*"),
    Row("lists_its_tests", append="selftest.list", checks=("test_list",)),
    Row("lists_its_boot_arguments", append="arguments.list", checks=("argument_list",)),
    Row(
        "wrong_boot_arguments_are_reported_and_not_used",
        cpus=1,
        append="linear=page percpu=fast percpu.add=stad percpu.window= selftest.timeout=soon selftest.lits "
        "selftest.repeat=18446744073709551616 percpu.mode=local console=hvc0 selftest=roots.*",
        shows=(
            "^boot argument linear=page: is neither blocks nor pages, using blocks$",
            "^boot argument percpu=fast: is none of local, restart, guarded and auto, using local$",
            r"^percpu: local \(default\)$",
            "^boot argument percpu.add=stad: is none of ldadd, stadd, llsc and auto, using auto$",
            "^boot argument percpu.window=: is neither linked nor mapped, using linked$",
            "^boot argument selftest.timeout=soon: is not a number, using 30$",
            "^boot argument selftest.repeat=18446744073709551616: does not fit 64 bits, using 1$",
            "^boot argument selftest.lits: there is no such argument$",
            "^boot argument percpu.mode: there is no such argument$",
        ),
    ),
    Row(
        "a_failing_test_exits_1",
        append="selftest=demo.fails",
        exit_code=1,
        checks=("failed_report",),
    ),
    Row(
        "a_failing_test_exits_1_by_power_off",
        append="selftest=demo.fails verdict=poweroff",
        exit_code=1,
        checks=("failed_report",),
    ),
    Row(
        "a_glob_that_matches_no_test_exits_1",
        append="selftest=no_such_suite.*",
        exit_code=1,
        checks=("no_test_ran",),
    ),
    Row(
        "a_panic_exits_2",
        append="selftest=demo.panics",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_panic_exits_2_by_power_off",
        append="selftest=demo.panics verdict=poweroff",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "stop_machine_in_run_everywhere_is_a_panic",
        append="selftest=demo.stops_the_machine_in_run_everywhere",
        exit_code=2,
        checks=("panic_report",),
        shows=(r"^panic: .*is_thread_of_run_everywhere",),
    ),
    Row(
        "a_cpu_that_is_left_out_while_it_starts_does_not_come_online",
        append="selftest=hotplug.a_cpu_that_is_left_out_while_it_starts_does_not_come_online",
        checks=(),
        shows=(r"^percival: verdict: passed$",),
    ),
    Row(
        "an_exception_is_reported_with_registers_and_syndrome",
        append="selftest=demo.dereferences_null",
        exit_code=2,
        checks=("exception_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_stack_overflow_is_named_in_the_report",
        append="selftest=demo.overflows_stack",
        exit_code=2,
        checks=("overflow_report", "exception_report"),
    ),
    Row(
        "a_stack_overflow_before_percpu_data_is_named_in_the_report",
        cpus=1,
        append="selftest=demo.overflows_stack_without_percpu_data",
        exit_code=2,
        checks=("overflow_report",),
    ),
    Row(
        "a_stack_overflow_is_named_in_the_report_entered_at_el2_debug",
        el=2,
        preset="debug",
        append="selftest=demo.overflows_stack",
        exit_code=2,
        checks=("overflow_report", "exception_report"),
    ),
    Row(
        "panics_on_a_smashed_stack",
        append="selftest=demo.smashes_stack",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_hang_exits_3_with_every_cpus_backtrace",
        append="selftest=demo.hangs selftest.timeout=2",
        exit_code=3,
        checks=("hang_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_hang_with_interrupts_masked_exits_3_gicv2",
        gic=2,
        cpu="cortex-a53",
        append="selftest=demo.hangs_with_interrupts_masked selftest.timeout=2",
        exit_code=3,
        checks=("masked_hang_report",),
    ),
    Row(
        "refuses_a_cpu_without_16k_pages",
        cpu="cortex-a53",
        preset="16k-47",
        exit_code=2,
        checks=("refusal",),
    ),
)

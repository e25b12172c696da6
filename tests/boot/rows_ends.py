# SPDX-License-Identifier: BSD-2-Clause
"""Rows about the end of a run: verdicts, and the reports of failures, panics and hangs."""

from __future__ import annotations

from typing import Tuple

from row import Row
from rows_trees import RASPI4B

# QEMU exits with 0 after a reset and after a power-off, but says that there was a power-off.
SAYS_POWER_OFF = ("-D", "/dev/stdout", "-trace", "qemu_system_shutdown_request")

ENDS: Tuple[Row, ...] = (
    Row(
        "passes_with_the_verdict_by_power_off",
        append="verdict=poweroff selftest=percpu.*",
        qemu=SAYS_POWER_OFF,
        shows=("qemu_system_shutdown_request reason=",),
    ),
    Row(
        "passes_with_the_verdict_by_reset",
        append="verdict=reset selftest=percpu.*",
        qemu=SAYS_POWER_OFF,
        checks=("whole_report", "summary", "no_power_off"),
    ),
    Row(
        "passes_on_raspi4b_with_the_verdict_by_reset_of_its_watchdog",
        **RASPI4B,
        append="verdict=reset selftest=percpu.*",
        qemu=SAYS_POWER_OFF,
        checks=("whole_report", "summary", "no_power_off"),
    ),
    Row(
        "a_panic_exits_2_by_reset",
        append="selftest=demo.panics verdict=reset",
        qemu=SAYS_POWER_OFF,
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test", "no_power_off"),
    ),
    Row(
        "a_hang_exits_3_by_reset_of_the_watchdog_of_raspi4b",
        **RASPI4B,
        append="selftest=demo.hangs selftest.timeout=2 verdict=reset",
        qemu=SAYS_POWER_OFF,
        exit_code=3,
        checks=("hang_report", "backtrace_into_the_test", "no_power_off"),
    ),
    Row(
        "refuses_half_an_image_and_resets",
        append="verdict=reset",
        damage="half",
        qemu=SAYS_POWER_OFF,
        exit_code=2,
        checks=("no_power_off",),
        shows=("^Percival cannot run here: the Image is cut short", "^percival: verdict: panic$"),
    ),
    Row(
        "a_refusal_resets_raspi4b_by_its_watchdog",
        **RASPI4B,
        preset="16k-47",
        append="verdict=reset",
        qemu=SAYS_POWER_OFF,
        exit_code=2,
        checks=("refusal", "no_power_off"),
    ),
    Row(
        "lists_its_tests",
        append="selftest.list",
        checks=("test_list",),
        shows=(r"^1\.\.0 # SKIP self-tests are listed, not run$",),
    ),
    Row(
        "a_run_whose_tests_are_all_skipped_passes_as_its_report_does",
        cpus=1,
        append="selftest=numa.*",
        checks=(),
        shows=("^ok 1 numa # SKIP every test is skipped$", "^# no self-test ran$"),
    ),
    Row("lists_its_boot_arguments", append="arguments.list", checks=("argument_list",)),
    Row(
        "wrong_boot_arguments_are_reported_and_not_used",
        cpus=1,
        append="acpi=on linear=page percpu=fast percpu.add=stad percpu.window= selftest.timeout=soon "
        "selftest.lits selftest.repeat=18446744073709551616 percpu.mode=local console=hvc0 selftest=roots.* "
        "seltest=x verdict=nonsense",
        shows=(
            "^boot argument acpi: without UEFI there are no ACPI tables, it is not used$",
            "^boot argument linear=page: is none of auto, blocks and pages, using auto$",
            "^boot argument percpu=fast: is none of local, restart, fixup, guarded and auto, using local$",
            r"^percpu: local \(default\)$",
            "^boot argument percpu.add=stad: is none of ldadd, stadd, llsc and auto, using auto$",
            "^boot argument percpu.window=: is neither linked nor mapped, using linked$",
            "^boot argument selftest.timeout=soon: is not a number, using 30$",
            "^boot argument selftest.repeat=18446744073709551616: does not fit 64 bits, using 1$",
            r"^boot argument selftest.lits: there is no such argument; is selftest.list meant\?$",
            r"^boot argument seltest: there is no such argument; is selftest meant\?$",
            "^boot argument percpu.mode: there is no such argument$",
            "^boot argument verdict=nonsense: is none of poweroff, semihosting and reset, using poweroff$",
            "^boot arguments: 1 not for this kernel, the first is console$",
        ),
    ),
    Row(
        "many_wrong_boot_arguments_are_counted",
        cpus=1,
        append=" ".join(f"selftest.wrong{number}" for number in range(300)) + " selftest=roots.*",
        shows=(
            "^boot argument selftest.wrong7: ",
            "^boot arguments: there are no such arguments as 292 more$",
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
        shows=(r"^1\.\.1$", "^not ok 1 every_pattern_selects_tests$"),
    ),
    Row(
        "a_panic_exits_2",
        append="selftest=demo.panics",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=("^  not ok 1 panics # ERROR$", "^not ok 1 demo$", r"^Bail out! demo\.panics "),
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
        "an_exception_is_reported_with_registers_and_syndrome",
        append="selftest=demo.dereferences_null",
        exit_code=2,
        checks=("exception_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_use_after_free_is_reported_with_who_allocated_and_who_freed_the_object",
        append="objects.guard selftest=guarded_objects.a_use_after_free_ends_the_run",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=(
            "^objects: guarded, up to [0-9]+ at a time$",
            "^  use after free: an object of 64 B at V:0xffff[0-9a-f]{9}fc0$",
            "^freed by:$",
            r"^#.*free_for_guard_test.*\+0x",
            "^allocated by:$",
            r"^#.*allocate_for_guard_test.*\+0x",
        ),
    ),
    Row(
        "a_write_behind_an_object_is_reported_with_who_allocated_it",
        append="objects.guard selftest=guarded_objects.a_write_behind_an_object_ends_the_run",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=(
            "^  access behind the end of an object: an object of 64 B at V:0xffff[0-9a-f]{9}fc0$",
            "^allocated by:$",
            r"^#.*allocate_for_guard_test.*\+0x",
        ),
    ),
    Row(
        "a_write_to_data_of_init_is_named_in_the_report",
        append="selftest=demo.writes_data_of_init",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
        shows=(
            "^  data abort from the same exception level: permission fault",
            "^  far is in data that is read-only after init$",
        ),
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
        shows=("^  not ok 1 hangs # TIMEOUT$", "^not ok 1 demo$", r"^Bail out! demo\.hangs "),
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
        "refuses_half_an_image",
        damage="half",
        exit_code=2,
        checks=(),
        shows=("^Percival cannot run here: the Image is cut short", "^percival: verdict: panic$"),
    ),
    Row(
        "refuses_an_image_without_its_last_4_KiB_entered_at_el2",
        el=2,
        damage="less_its_last_4_KiB",
        append="verdict=poweroff",
        exit_code=2,
        checks=(),
        shows=("^Percival cannot run here: the Image is cut short", "^percival: verdict: panic$"),
    ),
    Row(
        "panics_on_an_image_with_a_flipped_bit",
        damage="flipped_bit",
        exit_code=2,
        checks=(),
        shows=("^panic: the image is damaged: ", "^percival: verdict: panic$"),
    ),
    Row(
        "refuses_a_cpu_without_16k_pages",
        cpu="cortex-a53",
        preset="16k-47",
        exit_code=2,
        checks=("refusal",),
    ),
)

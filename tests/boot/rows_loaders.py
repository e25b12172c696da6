# SPDX-License-Identifier: BSD-2-Clause
"""Rows about what a loader or a firmware leaves to the kernel: where the image lies, the exception level,
what stands in the registers, and which interrupts are pending, enabled or kept (loader.S)."""

from __future__ import annotations

from typing import Tuple

from row import OF_ENTRY_AT_EL2, OF_MACHINE, Row

IMAGE_AT_HALF_A_PAGE = 0x4080_8000  # with pages of 64 KiB

# Tests on which what a predecessor left in the registers would have an effect.
AFTER_A_PREDECESSOR = (
    "selftest=cpu_setup.*,interrupts.*,interrupted_*,roots.*,percpu.*,linear_map.*,threads.*,*hotplug.*"
)
# This pattern does not match a test that was skipped.
COMES_BACK = r"ok \d+ a_cpu_that_comes_back_has_no_state_of_its_time_before$"

# The machine has EL3, and its firmware is loader.S.
SECURE = ("-machine", "secure=on")
ALL = 0xFFFF_FFFF
ALL_BUT_THE_TIMER = ALL & ~(1 << 27)

LOADERS: Tuple[Row, ...] = (
    Row(
        "refuses_to_start_at_half_a_page",
        preset="64k-42",
        tree="as_it_is",
        image_at=IMAGE_AT_HALF_A_PAGE,
        exit_code=2,
        checks=(),
        shows=(
            "^Percival cannot run here: the image does not start at a multiple of 64 KiB, its page size; ",
        ),
    ),
    Row(
        "passes_loaded_at_a_page_that_is_no_block",
        append="selftest=linear_map.*,roots.*",
        tree="as_it_is",
        image_at=0x4080_3000,
        shows=("^machine: image at P:0x40803000, ",),
    ),
    Row(
        "refuses_to_run_at_el3",
        cpus=1,  # without firmware all CPUs would come in at once
        el=3,
        tree="as_it_is",
        exit_code=2,
        checks=(),
        shows=(
            "^Percival cannot run here: the loader entered at EL3 ",
            "^percival: verdict: panic$",
        ),
    ),
    *(
        Row(
            f"interrupts_that_were_left_pending_and_active_are_not_obeyed_gicv{gic}",
            cpu="cortex-a72",
            gic=gic,
            append=OF_MACHINE,
            tree="as_it_is",
            interrupts_left=True,
        )
        for gic in (2, 3)
    ),
    Row(
        "a_cpu_whose_interrupts_the_firmware_keeps_is_left_out",
        cpu="cortex-a72",
        append=OF_MACHINE,
        tree="spin_table",
        qemu=SECURE,
        group_1=(ALL, ALL_BUT_THE_TIMER, 0, ALL),
        online=(0, 3),
        shows=(
            r"^cpu1: the timer does not interrupt: interrupt 27 stays disabled, .* in Group 0; .*, left out$",
            r"^cpu2: the GIC accepts no enable of the kernel's SGIs: .*, left out$",
            r"^machine: .*, 2 of 4 CPUs, ",
        ),
    ),
    Row(
        "panics_if_the_firmware_keeps_the_boot_cpus_timer_interrupt",
        cpu="cortex-a72",
        tree="spin_table",
        qemu=SECURE,
        group_1=(ALL_BUT_THE_TIMER, ALL, ALL, ALL),
        exit_code=2,
        checks=(),
        shows=("^panic: the timer does not interrupt: interrupt 27 stays disabled, .* in Group 0; ",),
    ),
    Row(
        "a_timer_that_never_interrupts_ends_the_run_with_its_intid",
        tree="wrong_timer",
        exit_code=2,
        checks=(),
        shows=(
            "^panic: the timer does not interrupt: interrupt 21 is enabled, not pending and not active, "
            "in Group 1; the timer rings$",
        ),
    ),
    Row(
        "a_timer_with_the_interrupt_of_another_ends_the_run_with_its_intid",
        tree="timer_with_the_interrupt_of_another",
        leftovers=True,
        exit_code=2,
        checks=(),
        shows=(
            "^panic: the timer does not interrupt: interrupt 30 is pending without an alarm, so another "
            "device raises it$",
        ),
    ),
    Row(
        "an_undefined_smc_of_psci_0_1_leaves_the_other_cpus_out",
        cpus=2,
        append=OF_MACHINE,
        tree="psci_0_1_by_smc",
        online=(0,),
        shows=(
            "^cpu1: the firmware call is undefined on this machine, left out$",
            "^machine: .*, 1 of 2 CPUs, ",
        ),
    ),
    Row(
        "an_undefined_smc_means_that_there_is_no_psci",
        append=OF_MACHINE,
        tree="smc_without_el3",
        online=(0,),
        shows=(
            "^psci: an SMC is undefined on this machine, so there is no PSCI$",
            "^cpu1: the firmware has no PSCI of version 0.2 or later, left out$",
            "^machine: .*, 1 of 4 CPUs, ",
        ),
    ),
    Row(
        "a_system_error_that_the_loader_left_pending_is_reported_by_name",
        el=2,
        tree="system_error_pending",
        exit_code=2,
        checks=(),
        shows=(
            "^cpu0: a system error was raised before the kernel could take it$",
            "^panic: system error$",
            "^  SError",
            "^percival: verdict: panic$",
        ),
    ),
    Row(
        "passes_loaded_in_the_middle_of_memory",
        append=OF_MACHINE,
        tree="as_it_is",
        image_at=0x4A60_0000,
        shows=("^machine: image at P:0x4a600000, ",),
    ),
    Row(
        "passes_loaded_at_the_end_of_memory_entered_at_el2",
        el=2,
        append=OF_MACHINE,
        tree="as_it_is",
        image_at=0x7FC0_0000,
        shows=("^machine: image at P:0x7fc00000, .* entered at EL2",),
    ),
    Row(
        "passes_with_junk_in_all_registers_entered_at_el1",
        append=AFTER_A_PREDECESSOR,
        tree="as_it_is",
        leftovers=True,
        shows=(r"^machine: .*, 4 of 4 CPUs, ", "^machine: .*, entered at EL1, "),
    ),
    Row(
        "passes_with_junk_in_all_registers_entered_at_el2",
        el=2,
        append=AFTER_A_PREDECESSOR,
        tree="as_it_is",
        leftovers=True,
        shows=(r"^machine: .*, 4 of 4 CPUs, ", "^machine: .*, entered at EL2, "),
        must_run=OF_ENTRY_AT_EL2,
    ),
    Row(
        "passes_with_junk_in_all_registers_of_all_cpus_entered_at_el1_cortex-a72",
        cpu="cortex-a72",
        gic=2,
        append=AFTER_A_PREDECESSOR,
        tree="spin_table",
        leftovers=True,
        shows=(r"^machine: .*, 4 of 4 CPUs, ", COMES_BACK),
    ),
    Row(
        "passes_with_junk_in_all_registers_of_all_cpus_entered_at_el2_debug",
        el=2,
        preset="debug",
        append=AFTER_A_PREDECESSOR,
        tree="spin_table",
        leftovers=True,
        shows=(r"^machine: .*, 4 of 4 CPUs, ", COMES_BACK),
        must_run=OF_ENTRY_AT_EL2,
    ),
    Row(
        "runs_on_one_cpu_where_the_tree_wants_hvc_and_there_is_no_hypervisor",
        cpus=2,
        el=2,
        append="selftest=cpu_setup.*,roots.*",
        tree="psci_by_hvc",
        online=(0,),
        shows=(r"^cpu1: the firmware has no PSCI of version 0.2 or later, left out$",),
    ),
)

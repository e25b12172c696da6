# SPDX-License-Identifier: BSD-2-Clause
"""Rows whose machine is described by a device tree of the tests (trees.py)."""

from __future__ import annotations

from typing import Tuple

from row import OF_MEMORY, Row

# These patterns do not match a test that was skipped.
RAM_ABOVE_512_GIB = r"ok \d+ ram_above_512_GiB_is_in_use_and_keeps_written_values$"
RANDOM_HOTPLUG = r"ok \d+ counts_and_memory_survive_random_hotplug$"

# Tests that depend on how the machine is described to the kernel. The other tests run on other machines of
# the same kind.
OF_MACHINE = (
    "selftest=interrupts.*,roots.*,percpu.*,numa.*,linear_map.*,page_allocator.*,threads.*,*hotplug.*"
)

# The machine has EL3, and its firmware is loader.S.
SECURE = ("-machine", "secure=on")
ALL = 0xFFFF_FFFF
ALL_BUT_THE_TIMER = ALL & ~(1 << 27)

TREES: Tuple[Row, ...] = (
    Row(
        "passes_on_raspi4b_with_spin_tables_and_no_psci",
        cpu="cortex-a72",
        gic=2,
        el=2,
        memory="2G",
        append=OF_MACHINE,
        board="raspi4b",
        tree="raspi4b.dts",
        shows=(
            r"^machine: Raspberry Pi 4 Model B, 4 of 4 CPUs, .*, GICv2, ",
            r"^machine: .*, entered at EL2, runs at EL1$",
            RANDOM_HOTPLUG,
        ),
    ),
    Row(
        "passes_with_spin_tables_and_no_psci",
        tree="spin_table",
        shows=(r"^machine: .*, 4 of 4 CPUs, ", RANDOM_HOTPLUG),
    ),
    Row(
        "a_cpu_that_never_polls_its_release_address_is_left_out",
        append=OF_MACHINE,
        tree="spin_table_and_a_cpu_that_never_polls",
        online=(0, 1, 3, 4),
        shows=(
            r"^cpu2: did not come up \(MPIDR 0x1ff\), left out$",
            r"^machine: .*, 4 of 5 CPUs, ",
        ),
    ),
    Row(
        "a_cpu_that_does_not_exist_is_left_out",
        tree="absent_cpu",
        online=(0, 1, 3, 4),
        shows=(
            r"^cpu2: PSCI CPU_ON: invalid parameters, .*, left out$",
            r"^machine: .*, 4 of 5 CPUs, ",
        ),
    ),
    Row(
        "a_disabled_cpu_stays_off",
        append=OF_MACHINE,
        tree="disabled_cpu",
        online=(0, 1, 2),
        shows=(r"^machine: .*, 3 of 3 CPUs, ",),
    ),
    Row(
        "reserved_memory_and_memory_outside_the_banks_are_not_written_to",
        memory="256M",
        append=OF_MEMORY,
        tree="two_banks",
        shows=(r"^machine: .* in 2 bank\(s\), ",),
    ),
    Row(
        "passes_with_banks_a_TiB_apart",
        memory="1026G",
        append=OF_MEMORY,
        tree="banks_far_apart",
        shows=(r"^machine: .*, 2 GiB in 2 bank\(s\), ", RAM_ABOVE_512_GIB),
    ),
    Row(
        "passes_without_a_uart",
        append=OF_MACHINE,
        tree="no_uart",
        exit_code=3,
        checks=(),
        shows=("^percival: the kernel stated no verdict; QEMU exited with 0$",),
    ),
    Row(
        "panics_without_a_uart",
        tree="no_uart",
        append="selftest=demo.panics",
        exit_code=3,
        checks=(),
        shows=("^percival: the kernel stated no verdict; QEMU exited with 2$",),
    ),
    Row(
        "panics_on_a_tree_without_memory",
        tree="no_memory",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /: there is no memory: ",),
    ),
    Row(
        "panics_on_a_tree_without_gic",
        tree="no_gic",
        append="verdict=poweroff",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /: there is no interrupt controller: ",),
    ),
    Row(
        "panics_on_a_tree_without_cpus",
        tree="no_cpus",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /cpus: is missing",),
    ),
    Row(
        "panics_on_a_tree_without_the_boot_cpu",
        tree="no_boot_cpu",
        exit_code=2,
        checks=(),
        shows=(r"^panic: device tree: the CPU it was given to \(MPIDR 0x0\) is not in it$",),
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
            r"^cpu1: the timer does not interrupt: INTID 27 stays disabled, .* in Group 0; .*, left out$",
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
        shows=("^panic: the timer does not interrupt: INTID 27 stays disabled, .* in Group 0; ",),
    ),
    Row(
        "a_timer_that_never_interrupts_ends_the_run_with_its_intid",
        tree="wrong_timer",
        exit_code=2,
        checks=(),
        shows=(
            "^panic: the timer does not interrupt: INTID 21 is enabled, not pending and not active, "
            "in Group 1; the timer rings$",
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
        image_at=0x7FE0_0000,
        shows=("^machine: image at P:0x7fe00000, .* entered at EL2",),
    ),
)

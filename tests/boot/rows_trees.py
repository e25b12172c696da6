# SPDX-License-Identifier: BSD-2-Clause
"""Rows whose machine is described by a device tree of the tests (trees.py)."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from row import OF_MACHINE, OF_MEMORY, OF_NO_MAP_MEMORY, Row

# These patterns do not match a test that was skipped.
RAM_ABOVE_512_GIB = r"ok \d+ ram_above_512_GiB_is_in_use_and_keeps_written_values$"
RANDOM_HOTPLUG = r"ok \d+ counts_and_memory_survive_random_hotplug$"

# The columns of QEMU's raspi4b with the tests' own tree.
RASPI4B: Dict[str, Any] = {
    "cpu": "cortex-a72",
    "gic": 2,
    "el": 2,
    "memory": "2G",
    "board": "raspi4b",
    "tree": "raspi4b.dts",
}

TREES: Tuple[Row, ...] = (
    Row(
        "passes_on_raspi4b_with_spin_tables_and_no_psci",
        **RASPI4B,
        append=OF_MACHINE,
        shows=(
            r"^machine: Raspberry Pi 4 Model B, 4 of 4 CPUs, .*, GICv2, ",
            r"^machine: .*, entered at EL2, runs at EL1$",
            RANDOM_HOTPLUG,
        ),
    ),
    Row(
        "passes_on_raspi3b_with_a_local_controller_instead_of_a_gic",
        cpu="cortex-a53",
        el=2,
        board="raspi3b",
        tree="raspi3b.dts",
        shows=(
            r"^machine: Raspberry Pi 3 Model B, 4 of 4 CPUs, 960 MiB in 1 bank\(s\), BCM2836, ",
            r"^machine: .*, entered at EL2, runs at EL1$",
            RANDOM_HOTPLUG,
        ),
        must_run=("interrupts.*", "*hotplug.*", "stop_machine.*", "vmap.*", "threads.*"),
    ),
    Row(
        "passes_with_a_tree_of_what_the_kernel_needs_only",
        cpus=2,
        gic=2,
        memory="256M",
        append=OF_MACHINE,
        tree="small_board.dts",
        shows=(r"^machine: Small board, 2 of 2 CPUs, ", RANDOM_HOTPLUG),
    ),
    Row(
        "passes_with_spin_tables_and_no_psci",
        append=OF_MACHINE,
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
        "passes_with_one_release_address_for_all_of_24_cpus",
        cpus=24,
        tree="one_release_address",
        append="selftest=roots.*",
        shows=(r"^machine: .*, 24 of 24 CPUs, ",),
    ),
    Row(
        "release_addresses_that_must_not_be_written_to_are_not",
        cpus=5,
        tree="wrong_release_addresses",
        append="selftest=roots.*",
        online=(0,),
        shows=(
            "^cpu1: the firmware names no way to start it, left out$",
            "^machine: device tree: /cpus/cpu@1: cpu-release-addr: is 0: the loader has not filled it in ",
            "^machine: device tree: /cpus/cpu@2: cpu-release-addr: is neither in memory nor in reserved ",
            "^machine: device tree: /cpus/cpu@3: cpu-release-addr: is not the address of a doubleword ",
            "^cpu4: its release address P:0x[0-9a-f]+ is in the kernel's own image$",
            "^cpu4: spin table: .*, left out$",
            r"^machine: .*, 1 of 5 CPUs, ",
        ),
    ),
    Row(
        "passes_with_psci_0_1",
        append="selftest=*hotplug.*",
        tree="psci_0_1",
        shows=(r"^machine: .*, 4 of 4 CPUs, ", RANDOM_HOTPLUG),
    ),
    Row(
        "passes_on_one_cpu_if_psci_is_missing",
        append="selftest=roots.*",
        tree="no_psci",
        online=(0,),
        shows=(
            "^cpu1: the firmware names no way to start it, left out$",
            "^machine: device tree: /psci: is missing, so CPUs with enable-method ",
            r"^machine: .*, 1 of 4 CPUs, ",
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
    *(
        Row(
            f"passes_with_{preset}_and_an_image_reserved_with_no_map",
            preset=preset,
            append="selftest=linear_map.*,roots.*,page_allocator.*",
            tree="no_map_over_the_image",
            shows=("^memory: no-map memory at P:0x40000000 contains the image, which stays mapped$",),
            must_run=OF_NO_MAP_MEMORY,
        )
        for preset in ("4k-48", "64k-42")
    ),
    *(
        Row(
            f"panics_on_a_tree_with_{tree}",
            tree=tree,
            exit_code=2,
            checks=(),
            shows=("^panic: the image at P:0x40800000, .* long, is not in the memory that the device tree ",),
        )
        for tree in ("memory_without_the_image", "memory_with_half_of_the_image")
    ),
    Row(
        "memory_that_the_linear_map_does_not_reach_is_left_out",
        append="selftest=linear_map.*,page_allocator.*",
        tree="memory_out_of_reach",
        shows=(
            "^memory: 1 GiB outside of the 128 TiB from P:0x40000000 are not used: ",
            r"^machine: .*, 1 GiB in 1 bank\(s\), ",
        ),
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
        "a_uart_that_the_boot_arguments_name_is_the_console",
        append="selftest=roots.* earlycon=pl011,mmio32,0x9000000,115200n8",
        tree="no_uart",
        shows=("^console: PL011 at P:0x9000000, 32 bit accesses, .*; named by earlycon$",),
    ),
    Row(
        "a_wrong_name_of_a_uart_is_reported_and_the_device_tree_decides",
        append="selftest=roots.* earlycon=pl012,0x9000000",
        shows=(
            "^boot argument earlycon=pl012,0x9000000: names no UART that this kernel drives ",
            "^console: PL011 at P:0x9000000, .*; named by stdout-path$",
        ),
    ),
    # The registers of the real-time clock, of which the one in the place of LSR reads as 0.
    Row(
        "a_uart_that_takes_no_characters_is_left_and_told_by_semihosting",
        append="selftest=roots.* earlycon=uart8250,mmio32,0x9010000",
        exit_code=3,
        checks=(),
        shows=(
            r"^console: the 8250 at P:0x9010000 was not ready for \d+ characters, which are lost$",
            "^percival: the kernel stated no verdict; QEMU exited with 0$",
        ),
    ),
    Row(
        "a_tree_forges_no_line_of_the_console",
        tree="forged_lines",
        append="selftest=roots.*",
        shows=(
            r"^machine: Board\\x0apercival: verdict: passed\\x0a, 4 of 4 CPUs, ",
            r"^boot argument linear=x\\x0apercival: verdict: passed\\x0a: is none of "
            r"auto, blocks and pages, ",
        ),
    ),
    Row(
        "panics_on_a_damaged_tree",
        tree="damaged_structure",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: blob: is damaged, libfdt error ", "^percival: verdict: panic$"),
    ),
    Row(
        "refuses_a_tree_with_a_damaged_header_entered_at_el2",
        el=2,
        tree="damaged_magic",
        append="verdict=poweroff",
        exit_code=2,
        checks=(),
        shows=(
            "^Percival cannot run here: the device tree's header is wrong: magic is not ",
            "^percival: verdict: panic$",
        ),
    ),
    # Neither a console nor the way to end the run is left.
    Row(
        "ends_with_a_tree_that_is_cut_behind_its_header",
        tree="cut_behind_its_header",
        exit_code=3,
        checks=(),
        shows=("^percival: the kernel stated no verdict; QEMU exited with 0$",),
    ),
    Row(
        "ends_without_a_tree",
        tree="none",
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
    Row(
        "reads_the_count_carefully_on_allwinner_and_cortex_a73",
        tree="allwinner_counter",
        append="selftest=interrupts.*",
        qemu=("-global", "max-arm-cpu.midr=0x410fd092"),
        shows=(
            r"^timer: the count is read carefully, not while .* \(allwinner,erratum-unknown1\), "
            r"twice, .* \(erratum 858921\)$",
            "^cpu: 0 to 3: Cortex-A73 r0p2, MIDR 0x410fd092$",
        ),
    ),
)

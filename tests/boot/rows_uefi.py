# SPDX-License-Identifier: BSD-2-Clause
"""Rows of kernels that UEFI firmware starts: EDK2, and U-Boot's UEFI."""

from __future__ import annotations

from typing import Tuple

from frontdoor.loaders import EDK2, U_BOOT_UEFI
from row import OF_MACHINE, OF_MEMORY, OF_SEVERAL_NODES, TWO_NODES, Row
from rows_boards import ends
from rows_trees import RANDOM_HOTPLUG

BY_UEFI = r"^machine: started by UEFI, which leaves \d+ ranges of memory to the kernel; 0 B found no room$"

BY_ACPI = r"^machine: BOCHS BXPC, (\d+) of \1 CPUs, "
WITH_A_TREE = ("-machine", "acpi=off")

UEFI: Tuple[Row, ...] = (
    Row(
        "passes_through_edk2_at_el2_with_gicv3",
        el=2,
        loader=EDK2,
        shows=(BY_UEFI, BY_ACPI, r"^machine: .*, entered at EL2, runs at EL1$", "^machine: image as built, "),
    ),
    Row(
        "passes_through_edk2_with_a_tree",
        append=OF_MACHINE,
        loader=EDK2,
        qemu=WITH_A_TREE,
        shows=(BY_UEFI, "^machine: linux,dummy-virt, 4 of 4 CPUs, "),
    ),
    Row(
        "passes_through_edk2_at_el1_with_gicv2",
        cpus=8,
        cpu="cortex-a72",
        gic=2,
        append=OF_MACHINE,
        loader=EDK2,
        shows=(BY_UEFI, BY_ACPI, r"^machine: .*, entered at EL1, runs at EL1$"),
    ),
    Row("passes_through_edk2_on_one_cpu", cpus=1, append=OF_MACHINE, loader=EDK2, shows=(BY_UEFI, BY_ACPI)),
    Row(
        "passes_through_edk2_with_a_tree_on_8_cpus_with_gicv2",
        cpus=8,
        cpu="cortex-a72",
        gic=2,
        append=OF_MACHINE,
        loader=EDK2,
        qemu=WITH_A_TREE,
        shows=(BY_UEFI, "^machine: linux,dummy-virt, 8 of 8 CPUs, "),
        is_long=True,
    ),
    Row(
        "passes_through_edk2_on_123_cpus",
        cpus=123,
        memory="4G",
        append=OF_MACHINE,
        loader=EDK2,
        shows=(BY_UEFI, BY_ACPI),
        is_long=True,
    ),
    # The firmware's pieces of memory begin and end at any 4 KiB.
    Row(
        "passes_through_edk2_with_64k-42",
        preset="64k-42",
        append=OF_MEMORY,
        loader=EDK2,
        shows=(BY_UEFI, BY_ACPI),
    ),
    Row(
        "the_nodes_of_memory_from_edk2_are_the_trees",
        append="selftest=numa.*,page_allocator.*",
        qemu=(*TWO_NODES, *WITH_A_TREE),
        loader=EDK2,
        must_run=OF_SEVERAL_NODES,
        shows=(BY_UEFI,),
    ),
    Row(
        "the_nodes_of_memory_from_edk2_are_those_of_srat",
        append="selftest=numa.*,page_allocator.*",
        qemu=TWO_NODES,
        loader=EDK2,
        must_run=OF_SEVERAL_NODES,
        shows=(BY_UEFI, BY_ACPI),
    ),
    *ends("virt_with_edk2", {"loader": EDK2}),
    Row(
        "passes_through_u_boots_uefi",
        append=OF_MACHINE,
        loader=U_BOOT_UEFI,
        shows=(BY_UEFI, RANDOM_HOTPLUG),
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Rows of kernels that EDK2 starts through GRUB, or from the disks and CD-ROMs that `percival image` makes.
No -kernel is given to QEMU here."""

from __future__ import annotations

from typing import Tuple

from frontdoor.loaders import EDK2, GRUB, GRUB_CHAIN, GRUB_DEVICETREE, U_BOOT_UEFI
from row import OF_MACHINE, Row
from rows_boards import ends
from rows_trees import RANDOM_HOTPLUG
from rows_uefi import BY_ACPI, BY_UEFI

BY_GRUB = "Welcome to GRUB!$"
SHORT = "selftest=roots.*,percpu.*"

UEFI_MEDIA: Tuple[Row, ...] = (
    Row(
        "passes_through_grub_as_linux_does",
        append=OF_MACHINE,
        loader=GRUB,
        shows=(BY_GRUB, BY_UEFI, BY_ACPI, RANDOM_HOTPLUG),
    ),
    Row(
        "passes_through_grubs_chainloader_at_el2",
        el=2,
        append=OF_MACHINE,
        loader=GRUB_CHAIN,
        shows=(BY_GRUB, BY_UEFI, "^machine: .*, entered at EL2, ", RANDOM_HOTPLUG),
    ),
    # GRUB's tree stands beside the firmware's tables.
    Row(
        "the_tree_from_grub_counts_beside_acpi_tables",
        append=f"{SHORT},*hotplug.*",
        loader=GRUB_DEVICETREE,
        shows=(BY_GRUB, BY_UEFI, "^machine: linux,dummy-virt, 4 of 4 CPUs, ", RANDOM_HOTPLUG),
    ),
    Row(
        "acpi_tables_count_beside_the_tree_from_grub_if_they_are_asked_for",
        append=f"acpi=on {SHORT}",
        loader=GRUB_DEVICETREE,
        shows=(BY_GRUB, BY_UEFI, BY_ACPI),
    ),
    Row(
        "a_grub_with_nothing_but_acpi_tables_and_acpi_off_gets_its_image_back",
        append=f"acpi=off {SHORT}",
        loader=GRUB,
        exit_code=3,
        checks=(),
        shows=(BY_GRUB, "Percival: acpi=off, and the firmware has no device tree$"),
    ),
    *ends("virt_with_grub", {"loader": GRUB}),
    *ends("virt_with_u_boots_uefi", {"loader": U_BOOT_UEFI}),
    *ends("virt_with_grubs_chainloader", {"loader": GRUB_CHAIN, "is_long": True}),
    *ends("virt_with_a_tree_from_grub", {"loader": GRUB_DEVICETREE, "is_long": True}),
    Row(
        "the_uefi_disk_passes_as_a_usb_stick",
        append=SHORT,
        loader=EDK2,
        card="uefi.img",
        shows=("^BdsDxe: starting .* USB HARDDRIVE ", BY_GRUB, BY_UEFI),
    ),
    Row(
        "the_uefi_disk_passes_through_u_boot",
        append=SHORT,
        card="uefi.img",
        shows=(BY_GRUB, BY_UEFI),
    ),
    Row(
        "the_uefi_iso_passes_as_a_cd_rom",
        append=SHORT,
        loader=EDK2,
        card="uefi.iso",
        shows=("^BdsDxe: starting .* CD-ROM ", BY_GRUB, BY_UEFI),
    ),
    # Without boot arguments there is no GRUB, and the machine turns itself off at the end.
    *(
        Row(
            f"the_uefi_{card}_without_boot_arguments_passes",
            loader=EDK2,
            card=f"uefi.{ending}",
            shows=(BY_UEFI,),
            is_long=True,
        )
        for card, ending in (("disk", "img"), ("iso", "iso"))
    ),
)

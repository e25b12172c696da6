# SPDX-License-Identifier: BSD-2-Clause
"""Rows of kernels that EDK2 starts through GRUB, or from the disks and CD-ROMs that `percival image` makes.
No -kernel is given to QEMU here."""

from __future__ import annotations

from typing import Any, Tuple

from frontdoor.loaders import EDK2, GRUB, GRUB_CHAIN, GRUB_DEVICETREE, U_BOOT_UEFI
from row import OF_MACHINE, Row
from rows_boards import ends
from rows_trees import RANDOM_HOTPLUG
from rows_uefi import BY_ACPI, BY_UEFI

BY_GRUB = "Welcome to GRUB!$"
STARTS_A_STICK = "^BdsDxe: starting .* USB HARDDRIVE "
STARTS_A_CD_ROM = "^BdsDxe: starting .* CD-ROM "
SHORT = "selftest=roots.*,percpu.*"


def _medium(name: str, ending: str, *shows: str, loader: str = EDK2, **values: Any) -> Row:
    """Returns the row of a medium for UEFI, whose image has this ending."""
    return Row(f"the_uefi_{name}", loader=loader, card=f"uefi.{ending}", shows=(*shows, BY_UEFI), **values)


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
    _medium("disk_passes_as_a_usb_stick", "img", STARTS_A_STICK, BY_GRUB, append=SHORT),
    _medium("disk_passes_through_u_boot", "img", BY_GRUB, append=SHORT, loader=""),
    _medium("iso_passes_as_a_cd_rom", "iso", STARTS_A_CD_ROM, BY_GRUB, append=SHORT),
    # Without boot arguments there is no GRUB, and the machine turns itself off at the end.
    *(
        _medium(f"{medium}_without_boot_arguments_passes", ending, is_long=True)
        for medium, ending in (("disk", "img"), ("iso", "iso"))
    ),
)

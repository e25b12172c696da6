# SPDX-License-Identifier: BSD-2-Clause
"""Boots the kernel through U-Boot, as boards do: from a disk with extlinux.conf or a script, by network, or
as a UEFI application; or through EDK2, as servers do.

Both are Debian's. On `virt` U-Boot is the firmware. On a Raspberry Pi QEMU runs no VideoCore, which would
load U-Boot from the SD card, so QEMU loads it in place of a kernel; the kernel comes from the card.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from frontdoor import disk_image, foreign_packages, u_boot_files
from frontdoor.boards import board_of
from frontdoor.errors import UsageError
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.machine import Machine
from frontdoor.u_boot_files import EXTLINUX_NAME, LOAD_BY_NETWORK, LOAD_FROM_DISK, SCRIPT_NAME

EXTLINUX = "u-boot"
SCRIPT = "u-boot-script"
NETWORK = "u-boot-tftp"
U_BOOT_UEFI = "u-boot-uefi"
EDK2 = "edk2"
LOADERS = (EXTLINUX, SCRIPT, NETWORK, U_BOOT_UEFI, EDK2)


def package_of(loader: Optional[str], machine: Machine) -> ForeignPackage:
    """Returns the package with the machine's EDK2 or, for any other loader, its U-Boot. Raises UsageError if
    there is none."""
    if loader == EDK2:
        if not machine.is_virt:
            raise UsageError(f"--loader {EDK2}: Debian has an EDK2 for virt, not for {machine.machine}")
        return foreign_packages.EDK2
    if machine.is_virt:
        return foreign_packages.U_BOOT_QEMU
    board = board_of(machine.machine)
    if board is None or not board.u_boot:
        raise UsageError(
            f"--loader and --card need a U-Boot, and Debian has none for the machine {machine.machine}"
        )
    return foreign_packages.U_BOOT_RPI


def check_machine(machine: Machine) -> None:
    """Raises UsageError if U-Boot cannot start the kernel on this machine."""
    package_of(None, machine)
    if ",secure=on" in machine.machine and (machine.cpus > 1 or ",virtualization=on" not in machine.machine):
        raise UsageError(
            "--loader and --card: with secure=on U-Boot starts on every CPU at once, and wants to go to EL2: "
            "give --cpus 1 and virtualization=on, too"
        )


def check(loader: str, machine: Machine, arguments: str) -> None:
    """Raises UsageError if the machine cannot be booted like this, or the boot arguments would not get
    through U-Boot."""
    if loader == EDK2:
        package_of(loader, machine)
        return
    check_machine(machine)
    if package_of(loader, machine) is not foreign_packages.U_BOOT_QEMU and loader == NETWORK:
        raise UsageError(f"--loader {NETWORK}: QEMU's {machine.machine} has no network that U-Boot drives")
    u_boot_files.check(arguments)


def _script(arguments: str, load: str, start: str = u_boot_files.BY_BOOT_PROTOCOL) -> bytes:
    """Returns a script that boots the kernel. If that fails, the machine is reset, so that the run ends."""
    return u_boot_files.script_image(*u_boot_files.booting(arguments, load + "Image", start), "reset")


def _media(loader: str, machine: Machine, kernel: Path, arguments: str, directory: Path) -> List[str]:
    """Makes what U-Boot boots from; returns QEMU's options for it."""
    if loader == NETWORK:
        server = directory / "tftp"
        server.mkdir()
        (server / "Image").write_bytes(kernel.read_bytes())
        (server / SCRIPT_NAME).write_bytes(_script(arguments, LOAD_BY_NETWORK))
        return ["-netdev", f"user,id=net,tftp={server}", "-device", "virtio-net-device,netdev=net"]
    image = directory / "disk.img"
    files = {
        EXTLINUX: (EXTLINUX_NAME, u_boot_files.extlinux(arguments)),
        SCRIPT: (SCRIPT_NAME, _script(arguments, LOAD_FROM_DISK)),
        U_BOOT_UEFI: (SCRIPT_NAME, _script(arguments, LOAD_FROM_DISK, u_boot_files.BY_UEFI)),
    }
    name, content = files[loader]
    disk_image.make(image, {"Image": kernel, name: content})
    return _disk(image, machine)


def _disk(image: Path, machine: Machine, *, more: str = "") -> List[str]:
    """Returns QEMU's options for a disk from which the machine's U-Boot boots: a board has a slot for it.
    `more` are properties of the drive."""
    drive = f"format=raw,file={image}{more}"
    if board_of(machine.machine):
        return ["-drive", f"if=sd,{drive}"]
    return ["-drive", f"if=none,id=disk,{drive}", "-device", "virtio-blk-device,drive=disk"]


def _u_boot(machine: Machine) -> List[str]:
    """Returns QEMU's options that start the machine's U-Boot."""
    board = board_of(machine.machine)
    name = board.u_boot if board else "qemu_arm64"
    u_boot = package_of(None, machine).directory / "usr" / "lib" / "u-boot" / name / "u-boot.bin"
    return ["-kernel" if board else "-bios", str(u_boot)]


def qemu_options(
    loader: Optional[str], machine: Machine, kernel: Path, arguments: str, directory: Path
) -> List[str]:
    """Returns QEMU's options that start the kernel: through the loader, or without one directly. What the
    loader needs is made in the directory, which has to last as long as the machine runs."""
    given = ["-kernel", str(kernel), "-append", arguments]
    if loader is None:
        return given
    if loader == EDK2:
        firmware = package_of(loader, machine).directory / "usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
        return ["-bios", str(firmware), *given]
    return [*_u_boot(machine), *_media(loader, machine, kernel, arguments, directory)]


def qemu_options_of_card(card: Path, machine: Machine) -> List[str]:
    """Returns QEMU's options that start U-Boot with the card, which is an image. The machine does not change
    the card."""
    return [*_u_boot(machine), *_disk(card, machine, more=",snapshot=on")]

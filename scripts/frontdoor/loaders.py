# SPDX-License-Identifier: BSD-2-Clause
"""Boots the kernel through U-Boot, as boards do: from a disk with extlinux.conf or a script, by network, or
as a UEFI application; or through EDK2, as servers do: directly, or through GRUB.

All of them are Debian's. On `virt` U-Boot is the firmware. On a Raspberry Pi QEMU runs no VideoCore, which
would load U-Boot from the SD card, so QEMU loads it in place of a kernel; the kernel comes from the card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from frontdoor import disk_image, foreign_packages, grub, qemu, u_boot_files, uefi_media
from frontdoor.boards import board_of
from frontdoor.errors import UsageError
from frontdoor.fat import Content
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.machine import Machine
from frontdoor.paths import KERNEL_NAME
from frontdoor.u_boot_files import EXTLINUX_NAME, LOAD_BY_NETWORK, LOAD_FROM_DISK, SCRIPT_NAME

EXTLINUX = "u-boot"
SCRIPT = "u-boot-script"
NETWORK = "u-boot-tftp"
U_BOOT_UEFI = "u-boot-uefi"
EDK2 = "edk2"
GRUB = "grub"
GRUB_CHAIN = "grub-chain"
GRUB_DEVICETREE = "grub-devicetree"
THROUGH_GRUB = (GRUB, GRUB_CHAIN, GRUB_DEVICETREE)
THROUGH_EDK2 = (EDK2, *THROUGH_GRUB)
LOADERS = (EXTLINUX, SCRIPT, NETWORK, U_BOOT_UEFI, *THROUGH_EDK2)


def packages_of(loader: Optional[str], machine: Machine) -> Tuple[ForeignPackage, ...]:
    """Returns the packages with the loader and the firmware that starts it; without a name, the machine's
    U-Boot. Raises UsageError if there is none."""
    if loader not in THROUGH_EDK2:
        return (_u_boot_package(machine),)
    if not machine.is_virt:
        raise UsageError(f"--loader {loader}: Debian has an EDK2 for virt, not for {machine.machine}")
    of_grub = (foreign_packages.GRUB,) if loader in THROUGH_GRUB else ()
    return (foreign_packages.EDK2, *of_grub)


def _u_boot_package(machine: Machine) -> ForeignPackage:
    if machine.is_virt:
        return foreign_packages.U_BOOT_QEMU
    board = board_of(machine.machine)
    if board is None or not board.u_boot:
        raise UsageError(
            f"--loader and --card need a U-Boot, and Debian has none for the machine {machine.machine}"
        )
    return foreign_packages.U_BOOT_RPI


def check_machine(loader: Optional[str], machine: Machine) -> None:
    """Raises UsageError if the loader, or without a name U-Boot, cannot start the kernel on this machine."""
    packages_of(loader, machine)
    if loader in THROUGH_EDK2:
        return
    if ",secure=on" in machine.machine and (machine.cpus > 1 or ",virtualization=on" not in machine.machine):
        raise UsageError(
            "--loader and --card: with secure=on U-Boot starts on every CPU at once, and wants to go to EL2: "
            "give --cpus 1 and virtualization=on, too"
        )
    if loader == NETWORK and not machine.is_virt:
        raise UsageError(f"--loader {NETWORK}: QEMU's {machine.machine} has no network that U-Boot drives")


def check(loader: str, machine: Machine, arguments: str) -> None:
    """Raises UsageError if the machine cannot be booted like this, or the boot arguments would not get
    through the loader."""
    check_machine(loader, machine)
    if loader in THROUGH_GRUB:
        grub.check(arguments)
    elif loader != EDK2:
        u_boot_files.check(arguments)


def _script(arguments: str, load: str, start: str = u_boot_files.BY_BOOT_PROTOCOL) -> bytes:
    """Returns a script that boots the kernel. If that fails, the machine is reset, so that the run ends."""
    return u_boot_files.script_image(*u_boot_files.booting(arguments, load + KERNEL_NAME, start), "reset")


def _u_boot_media(loader: str, machine: Machine, kernel: Path, arguments: str, directory: Path) -> List[str]:
    """Makes what U-Boot boots from; returns QEMU's options for it."""
    if loader == NETWORK:
        server = directory / "tftp"
        server.mkdir()
        (server / KERNEL_NAME).write_bytes(kernel.read_bytes())
        (server / SCRIPT_NAME).write_bytes(_script(arguments, LOAD_BY_NETWORK))
        return ["-netdev", f"user,id=net,tftp={server}", "-device", "virtio-net-device,netdev=net"]
    image = directory / "disk.img"
    files = {
        EXTLINUX: (EXTLINUX_NAME, u_boot_files.extlinux(arguments)),
        SCRIPT: (SCRIPT_NAME, _script(arguments, LOAD_FROM_DISK)),
        U_BOOT_UEFI: (SCRIPT_NAME, _script(arguments, LOAD_FROM_DISK, u_boot_files.BY_UEFI)),
    }
    name, content = files[loader]
    disk_image.make(image, {KERNEL_NAME: kernel, name: content})
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
    u_boot = _u_boot_package(machine).directory / "usr" / "lib" / "u-boot" / name / "u-boot.bin"
    return ["-kernel" if board else "-bios", str(u_boot)]


def _edk2() -> List[str]:
    """Returns QEMU's options that start EDK2."""
    return ["-bios", str(foreign_packages.EDK2.directory / foreign_packages.EDK2.needs[0])]


def _grub_disk(loader: str, kernel: Path, arguments: str, tree: Path) -> Dict[str, Content]:
    """Returns the files of the disk that EDK2 starts GRUB from, by their paths. `tree` is what GRUB gives the
    kernel, if it gives a tree."""
    how = grub.CHAINLOADER if loader == GRUB_CHAIN else grub.LINUX
    start = grub.start(f"/{KERNEL_NAME}", arguments, how)
    if loader != GRUB_DEVICETREE:
        return uefi_media.through_grub(kernel, grub.at_once(start))
    configuration = grub.at_once(f"devicetree /{tree.name}", start)
    return {**uefi_media.through_grub(kernel, configuration), tree.name: tree}


def qemu_options(
    loader: Optional[str],
    machine: Machine,
    kernel: Path,
    arguments: str,
    directory: Path,
    *,
    extra: Sequence[str] = (),
) -> List[str]:
    """Returns QEMU's options that start the kernel: through the loader, or without one directly. What the
    loader needs is made in the directory, which has to last as long as the machine runs. `extra` are the
    other options that the machine gets."""
    given = ["-kernel", str(kernel), "-append", arguments]
    if loader is None:
        return given
    if loader == EDK2:
        return [*_edk2(), *given]
    if loader in THROUGH_GRUB:
        disk, tree = directory / "disk.img", directory / "own.dtb"
        if loader == GRUB_DEVICETREE:
            qemu.write_tree(machine, tree, extra=extra)
        disk_image.make(disk, _grub_disk(loader, kernel, arguments, tree))
        return [*_edk2(), *_disk(disk, machine)]
    return [*_u_boot(machine), *_u_boot_media(loader, machine, kernel, arguments, directory)]


def _plugged(card: Path) -> List[str]:
    """Returns QEMU's options for a CD-ROM with the card, if it is an ISO image, or for a USB stick."""
    drive = f"if=none,id=disk,format=raw,file={card},snapshot=on"
    controller, device = "qemu-xhci", "usb-storage"
    if uefi_media.is_iso(card):
        controller, device = "virtio-scsi-pci", "scsi-cd"
    return ["-device", controller, "-drive", drive, "-device", f"{device},drive=disk"]


def qemu_options_of_card(loader: Optional[str], card: Path, machine: Machine) -> List[str]:
    """Returns QEMU's options that start U-Boot, or EDK2 if that is the loader, with the card, which is an
    image. The machine does not change the card."""
    if loader == EDK2:
        return [*_edk2(), *_plugged(card)]
    return [*_u_boot(machine), *_disk(card, machine, more=",snapshot=on")]

# SPDX-License-Identifier: BSD-2-Clause
"""Boots the kernel through U-Boot, as boards do: from a disk with extlinux.conf or a script, or by network.

U-Boot is Debian's. On `virt` it is the firmware. On a Raspberry Pi QEMU runs no VideoCore, which would load
U-Boot from the SD card, so QEMU loads it in place of a kernel; the kernel comes from the card.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import List, Optional

from frontdoor import disk_image, foreign_packages
from frontdoor.boards import board_of
from frontdoor.errors import UsageError
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.machine import Machine

EXTLINUX = "u-boot"
SCRIPT = "u-boot-script"
NETWORK = "u-boot-tftp"
LOADERS = (EXTLINUX, SCRIPT, NETWORK)

# The name under which U-Boot asks a server for a script, and which it also finds on a disk.
SCRIPT_NAME = "boot.scr.uimg"
_LOAD_FROM_DISK = "load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} Image"
_LOAD_BY_NETWORK = "tftpboot ${kernel_addr_r} Image"

# U-Boot's legacy image format: a header of 64 bytes in big-endian order.
_MAGIC = 0x27051956
_OS_LINUX, _ARM64, _TYPE_SCRIPT, _UNCOMPRESSED = 5, 22, 6, 0


def package_of(machine: Machine) -> ForeignPackage:
    """Returns the package with the machine's U-Boot. Raises UsageError if there is none."""
    if machine.machine.split(",", 1)[0] == "virt":
        return foreign_packages.U_BOOT_QEMU
    board = board_of(machine.machine)
    if board is None or not board.u_boot:
        raise UsageError(f"--loader: there is no U-Boot for the machine {machine.machine}")
    return foreign_packages.U_BOOT_RPI


def check(loader: str, machine: Machine, arguments: str) -> None:
    """Raises UsageError if the machine cannot be booted like this, or the boot arguments would not get
    through U-Boot."""
    if package_of(machine) is not foreign_packages.U_BOOT_QEMU and loader == NETWORK:
        raise UsageError(f"--loader {NETWORK}: QEMU's {machine.machine} has no network that U-Boot drives")
    if ",secure=on" in machine.machine and (machine.cpus > 1 or ",virtualization=on" not in machine.machine):
        raise UsageError(
            "--loader: with secure=on U-Boot starts on every CPU at once, and wants to go to EL2: "
            "give --cpus 1 and virtualization=on, too"
        )
    if set(arguments) & set("'$;"):
        raise UsageError("--loader: boot arguments with ', $ or ; do not get through U-Boot unchanged")


def extlinux(arguments: str) -> bytes:
    """Returns an extlinux.conf that boots the kernel at once. It names no tree: the kernel gets U-Boot's."""
    return (
        "DEFAULT percival\nTIMEOUT 1\n" f"LABEL percival\n  KERNEL /Image\n  APPEND {arguments}\n"
    ).encode()


def script(arguments: str, load: str = _LOAD_FROM_DISK) -> bytes:
    """Returns the text of a script that boots the kernel. If that fails, the machine is reset, so that the
    run ends."""
    lines = (
        f"setenv bootargs '{arguments}'",
        load,
        "booti ${kernel_addr_r} - ${fdt_addr}",
        "reset",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def script_image(text: bytes) -> bytes:
    """Returns the script in U-Boot's image format: its length, an end mark, the text."""
    data = struct.pack(">II", len(text), 0) + text

    def header(checksum: int) -> bytes:
        numbers = (_MAGIC, checksum, 0, len(data), 0, 0, zlib.crc32(data))
        return struct.pack(">7I4B32s", *numbers, _OS_LINUX, _ARM64, _TYPE_SCRIPT, _UNCOMPRESSED, b"Percival")

    return header(zlib.crc32(header(0))) + data


def _media(loader: str, kernel: Path, arguments: str, directory: Path, *, card: bool) -> List[str]:
    """Makes what U-Boot boots from; returns QEMU's options for it."""
    if loader == NETWORK:
        server = directory / "tftp"
        server.mkdir()
        (server / "Image").write_bytes(kernel.read_bytes())
        (server / SCRIPT_NAME).write_bytes(script_image(script(arguments, _LOAD_BY_NETWORK)))
        return ["-netdev", f"user,id=net,tftp={server}", "-device", "virtio-net-device,netdev=net"]
    image = directory / "disk.img"
    how = {
        EXTLINUX: ("extlinux/extlinux.conf", extlinux(arguments)),
        SCRIPT: (SCRIPT_NAME, script_image(script(arguments))),
    }
    name, content = how[loader]
    disk_image.make(image, {"Image": kernel, name: content})
    if card:
        return ["-drive", f"if=sd,format=raw,file={image}"]
    return ["-drive", f"if=none,id=disk,format=raw,file={image}", "-device", "virtio-blk-device,drive=disk"]


def qemu_options(
    loader: Optional[str], machine: Machine, kernel: Path, arguments: str, directory: Path
) -> List[str]:
    """Returns QEMU's options that start the kernel: through the loader, or without one directly. What the
    loader needs is made in the directory, which has to last as long as the machine runs."""
    if loader is None:
        return ["-kernel", str(kernel), "-append", arguments]
    board = board_of(machine.machine)
    name = board.u_boot if board else "qemu_arm64"
    u_boot = package_of(machine).directory / "usr" / "lib" / "u-boot" / name / "u-boot.bin"
    media = _media(loader, kernel, arguments, directory, card=board is not None)
    return ["-kernel" if board else "-bios", str(u_boot), *media]

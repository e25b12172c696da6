# SPDX-License-Identifier: BSD-2-Clause
"""The files by which U-Boot finds and starts the kernel: extlinux.conf, pxelinux.cfg and boot.scr.

None of them names a device tree: the kernel gets the one of the board, which is U-Boot's own or the one that
the firmware gave to U-Boot.
"""

from __future__ import annotations

import struct
import zlib
from typing import Tuple

from frontdoor.errors import UsageError

EXTLINUX_NAME = "extlinux/extlinux.conf"
# The name under which U-Boot asks a server for a script. It is also the first of those that it looks for on a
# disk.
SCRIPT_NAME = "boot.scr.uimg"
LOAD_FROM_DISK = "load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} "
LOAD_BY_NETWORK = "tftpboot ${kernel_addr_r} "
# How U-Boot starts the kernel that it has loaded.
BY_BOOT_PROTOCOL = "booti ${kernel_addr_r} - ${percival_tree}"
BY_UEFI = "bootefi ${kernel_addr_r} ${percival_tree}"

# U-Boot's legacy image format: a header of 64 bytes in big-endian order.
_MAGIC = 0x27051956
_OS_LINUX, _ARM64, _TYPE_SCRIPT, _UNCOMPRESSED = 5, 22, 6, 0


def check(arguments: str) -> None:
    """Raises UsageError if the boot arguments would not get through U-Boot unchanged."""
    if set(arguments) & set("'$;"):
        raise UsageError("boot arguments with ', $ or ; do not get through U-Boot unchanged")


def extlinux(arguments: str, kernel: str = "/Image") -> bytes:
    """Returns an extlinux.conf, or a pxelinux.cfg, that boots the kernel at once. `kernel` is the path of its
    file."""
    return (
        f"DEFAULT percival\nTIMEOUT 1\nLABEL percival\n  KERNEL {kernel}\n  APPEND {arguments}\n"
    ).encode()


def booting(arguments: str, load: str, start: str = BY_BOOT_PROTOCOL) -> Tuple[str, ...]:
    """Returns U-Boot's commands that load and start the kernel. Some U-Boots set fdt_addr to an address at
    which a tree is only once somebody has loaded it, so its header is looked at."""
    return (
        f"setenv bootargs '{arguments}'",
        load,
        "setenv percival_tree ${fdtcontroladdr}",
        'if test -n "${fdt_addr}"; then '
        "if fdt addr ${fdt_addr}; then setenv percival_tree ${fdt_addr}; fi; fi",
        start,
    )


def script_image(*lines: str) -> bytes:
    """Returns the commands as a script in U-Boot's image format: its length, an end mark, the text."""
    text = "".join(f"{line}\n" for line in lines).encode()
    data = struct.pack(">II", len(text), 0) + text

    def header(checksum: int) -> bytes:
        numbers = (_MAGIC, checksum, 0, len(data), 0, 0, zlib.crc32(data))
        return struct.pack(">7I4B32s", *numbers, _OS_LINUX, _ARM64, _TYPE_SCRIPT, _UNCOMPRESSED, b"Percival")

    return header(zlib.crc32(header(0))) + data

# SPDX-License-Identifier: BSD-2-Clause
"""The boards that `percival image` makes images for, as data. docs/boards.md describes each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple, Union

from frontdoor import foreign_packages
from frontdoor.errors import UsageError
from frontdoor.foreign_packages import ForeignPackage


@dataclass(frozen=True)
class Uart:
    """A UART that can be the console: what --uart calls it, and the overlay that leads it to the header's
    pins, if it needs one."""

    name: str
    overlay: str = ""


@dataclass(frozen=True)
class RaspberryPi:
    """A kind of Raspberry Pi. Its firmware loads the file `kernel` from the card, by the `settings` of
    config.txt. It needs the files `firmware`, and the device tree of the model, which one of the patterns
    `trees` matches; `upstream_trees` are the names that Linux has for them. It uses the files `extras` if
    they are there. `packages` are Debian's with firmware and trees. The first of `uarts` is the default.
    """

    title: str
    kernel: str
    trees: Tuple[str, ...]
    upstream_trees: Tuple[str, ...]
    packages: Tuple[ForeignPackage, ...]
    uarts: Tuple[Uart, ...]
    firmware: Tuple[str, ...] = ()
    extras: Tuple[str, ...] = ()
    settings: Tuple[str, ...] = ()


@dataclass(frozen=True)
class UBootBoard:
    """A board that U-Boot starts. `place` is where on a card the board looks for U-Boot: at an offset in
    bytes, or in a file of that name. Without a place, U-Boot has to be on the board."""

    title: str
    place: Union[int, str, None] = None


@dataclass(frozen=True)
class NetworkBoard:
    """A board that loads the kernel by TFTP."""

    title: str


@dataclass(frozen=True)
class UefiBoard:
    """A machine with UEFI firmware, which boots from any disk or CD-ROM. With boot arguments, the medium
    needs files of `packages`."""

    title: str
    packages: Tuple[ForeignPackage, ...]


ImageBoard = Union[RaspberryPi, UBootBoard, NetworkBoard, UefiBoard]

# The firmware loads a kernel of 64 bits to 2 MiB. Older ones load it to 512 KiB, which Percival refuses.
_AT_2_MIB = "kernel_address=0x200000"
_HEADER_UARTS = (Uart("mini"), Uart("pl011", "disable-bt"))
_KIB = 1 << 10

BOARDS: Dict[str, ImageBoard] = {
    "rpi3": RaspberryPi(
        "Raspberry Pi 3, Zero 2 W and Compute Module 3",
        "kernel8.img",
        trees=("bcm2710-rpi-*.dtb",),
        upstream_trees=("bcm2837-rpi-*.dtb",),
        packages=(foreign_packages.RASPI_FIRMWARE, foreign_packages.KERNEL),
        uarts=_HEADER_UARTS,
        firmware=("bootcode.bin", "start.elf", "fixup.dat"),
        settings=("arm_64bit=1", _AT_2_MIB),
    ),
    "rpi4": RaspberryPi(
        "Raspberry Pi 4, 400 and Compute Module 4",
        "kernel8.img",
        trees=("bcm2711-rpi-*.dtb",),
        upstream_trees=("bcm2711-rpi-*.dtb",),
        packages=(foreign_packages.RASPI_FIRMWARE, foreign_packages.KERNEL),
        uarts=_HEADER_UARTS,
        firmware=("start4.elf", "fixup4.dat"),
        settings=("arm_64bit=1", _AT_2_MIB),
    ),
    # Its firmware is in a flash memory on the board. It refuses a kernel that it does not recognise as Linux
    # unless it is told not to look.
    "rpi5": RaspberryPi(
        "Raspberry Pi 5, 500 and Compute Module 5",
        "kernel_2712.img",
        trees=("bcm2712*-rpi-*.dtb",),
        upstream_trees=("bcm2712*-rpi-*.dtb",),
        packages=(foreign_packages.BACKPORTS_KERNEL,),
        uarts=(Uart("debug"),),
        extras=("overlays/bcm2712d0.dtbo",),
        settings=("os_check=0", "uart_2ndstage=1"),
    ),
    "u-boot": UBootBoard("any board with U-Boot, and PSCI or spin tables"),
    "imx8mp-evk": UBootBoard("NXP i.MX 8M Plus EVK", 32 * _KIB),
    "zcu102": UBootBoard("AMD Zynq UltraScale+ ZCU102", "BOOT.BIN"),
    "versal": UBootBoard("AMD Versal VCK190 and VMK180", "BOOT.BIN"),
    "rock-5b": UBootBoard("Radxa ROCK 5B", 32 * _KIB),
    "uefi": UefiBoard("any board or server with UEFI firmware", (foreign_packages.GRUB,)),
    "tftp": NetworkBoard("any board whose U-Boot loads the kernel from a TFTP server"),
}


def image_board(name: str) -> ImageBoard:
    """Returns the board of that name. Raises UsageError if there is none."""
    if name not in BOARDS:
        raise UsageError(f"--board: there is no board '{name}'; there are: {', '.join(BOARDS)}")
    return BOARDS[name]


def packages_of(name: str) -> Tuple[ForeignPackage, ...]:
    """Returns Debian's packages that the card of the board of that name may need files of."""
    board = image_board(name)
    return board.packages if isinstance(board, (RaspberryPi, UefiBoard)) else ()


def table_lines() -> str:
    """Returns the table for a terminal."""
    width = max(map(len, BOARDS))
    return "\n".join(f"  {name:{width}}  {board.title}" for name, board in BOARDS.items())

# SPDX-License-Identifier: BSD-2-Clause
"""Gathers what a Raspberry Pi boots from: the firmware's own files, device trees, config.txt and cmdline.txt.

The files come from a directory that is laid out like Raspberry Pi's boot partition, or from Debian's
packages. These have the firmware of the Raspberry Pi 3 and 4, and Linux's device trees, but no overlays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

from frontdoor.errors import Unavailable, UsageError
from frontdoor.fat import Content
from frontdoor.image_boards import RaspberryPi, Uart

OVERLAYS = "overlays"
WANTED = "--firmware takes the directory boot of Raspberry Pi's firmware, or Raspberry Pi OS's boot partition"
# Where Debian's packages have firmware and trees.
IN_PACKAGES = ("usr/lib/raspi-firmware", "usr/lib/linux-image-*/broadcom")


@dataclass(frozen=True)
class Source:
    """Directories with the files, and what to call them in messages. `of_user` says that the user named it;
    otherwise it is Debian's, with the trees of Linux."""

    directories: Tuple[Path, ...]
    title: str
    of_user: bool

    def file(self, name: str) -> Optional[Path]:
        """Returns the path of a file, or None if there is none."""
        return next((path for path in (d / name for d in self.directories) if path.is_file()), None)

    def matching(self, patterns: Iterable[str]) -> List[Path]:
        """Returns the paths of the files that match a pattern."""
        return sorted(path for d in self.directories for pattern in patterns for path in d.glob(pattern))


def source(board: RaspberryPi, firmware: Optional[Path]) -> Source:
    """Returns the user's directory as a source, or else the unpacked packages of Debian."""
    if firmware is not None:
        if not firmware.is_dir():
            raise UsageError(f"--firmware: there is no directory {firmware}")
        return Source((firmware,), f"--firmware {firmware}", of_user=True)
    directories = [
        path
        for package in board.packages
        for pattern in IN_PACKAGES
        for path in sorted(package.directory.glob(pattern))
    ]
    names = " and ".join(package.title for package in board.packages)
    return Source(tuple(directories), f"Debian's {names}", of_user=False)


def uart_of(board: RaspberryPi, name: Optional[str]) -> Uart:
    """Returns the UART that the user wants for the console. Raises UsageError if the board has none of that
    name."""
    if name is None:
        return board.uarts[0]
    found = next((uart for uart in board.uarts if uart.name == name), None)
    if found is None:
        names = ", ".join(uart.name for uart in board.uarts)
        raise UsageError(f"--uart: the board has no '{name}'; it has: {names}")
    return found


def config(board: RaspberryPi, uart: Uart, *, upstream: bool) -> bytes:
    """Returns config.txt. `upstream` says that the trees are those of Linux, not Raspberry Pi's."""
    lines = (
        "# Written by percival image.",
        f"kernel={board.kernel}",
        *board.settings,
        "enable_uart=1",
        *(("upstream_kernel=1",) if upstream else ()),
        *((f"dtoverlay={uart.overlay}",) if uart.overlay else ()),
    )
    return "".join(f"{line}\n" for line in lines).encode()


def files(board: RaspberryPi, uart: Uart, kernel: Path, arguments: str, found: Source) -> Dict[str, Content]:
    """Returns the files of the card. Raises Unavailable, and names what is missing, if the board could not
    boot from them."""
    own = found.matching(board.trees)
    trees = own or found.matching(board.upstream_trees)
    overlay = f"{OVERLAYS}/{uart.overlay}.dtbo" if uart.overlay else ""
    needed = {name: found.file(name) for name in (*board.firmware, *((overlay,) if overlay else ()))}
    missing = [name for name, path in needed.items() if path is None]
    missing += [] if trees else [" or ".join(dict.fromkeys((*board.trees, *board.upstream_trees)))]
    if missing:
        message = f"{', '.join(missing)}: not in {found.title}. {WANTED}"
        raise UsageError(message) if found.of_user else Unavailable(message)
    extras = {name: found.file(name) for name in board.extras}
    return {
        "config.txt": config(board, uart, upstream=not (found.of_user and own)),
        "cmdline.txt": f"{arguments}\n".encode(),
        board.kernel: kernel,
        **{name: path for name, path in {**needed, **extras}.items() if path is not None},
        **{path.name: path for path in trees},
    }

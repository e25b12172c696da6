# SPDX-License-Identifier: BSD-2-Clause
"""The boards of QEMU that the kernel runs on, as data: what QEMU fixes of each, its device tree, and which of
QEMU's serial ports is the console.

The trees are those of Debian's kernel package. Their memory nodes are empty, or those of the board that is
sold: QEMU writes the memory that it gives the board into them, as firmware does.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Tuple

from frontdoor import foreign_packages
from frontdoor.errors import UsageError

UNITS_IN_MIB = {"M": 1, "G": 1 << 10, "T": 1 << 20}


@dataclass(frozen=True)
class Board:
    """A board. `cpus` are the CPUs that the kernel can use, and `other_cpus` those of another kind, which
    QEMU counts, too. `max_memory` is the most that QEMU gives it so that the tree says all of it; without,
    the memory is fixed. `tree` is a file of the kernel package; without, QEMU makes the tree. `ports` are the
    unit addresses of UARTs, as device trees name them, in the order of QEMU's serial ports. `u_boot` is the
    board's name in Debian's packages of U-Boot."""

    title: str
    cpu: str
    memory: str
    max_memory: str = ""
    cpus: int = 4
    other_cpus: int = 0
    tree: str = ""
    ports: Tuple[str, ...] = ()
    u_boot: str = ""


BOARDS: Dict[str, Board] = {
    "raspi3ap": Board(
        "Raspberry Pi 3 A+",
        "cortex-a53",
        "512M",
        tree="broadcom/bcm2837-rpi-3-a-plus.dtb",
        ports=("7e201000", "7e215040"),
    ),
    "raspi3b": Board(
        "Raspberry Pi 3 B",
        "cortex-a53",
        "1G",
        tree="broadcom/bcm2837-rpi-3-b.dtb",
        ports=("7e201000", "7e215040"),
        u_boot="rpi_3",
    ),
    "raspi4b": Board(
        "Raspberry Pi 4 B",
        "cortex-a72",
        "2G",
        tree="broadcom/bcm2711-rpi-4-b.dtb",
        ports=("7e201000", "7e215040"),
        u_boot="rpi_4",
    ),
    "imx8mp-evk": Board(
        "NXP i.MX 8M Plus EVK",
        "cortex-a53",
        "6G",
        max_memory="8G",
        tree="freescale/imx8mp-evk.dtb",
        ports=("30860000", "30890000", "30880000", "30a60000"),
    ),
    # QEMU puts memory beyond 2 GiB at 32 GiB, and writes one node for all of it.
    "xlnx-zcu102": Board(
        "Xilinx ZCU102",
        "cortex-a53",
        "2G",
        max_memory="2G",
        tree="xilinx/zynqmp-zcu102-rev1.0.dtb",
        ports=("ff000000", "ff010000"),
    ),
    "xlnx-versal-virt": Board("Xilinx Versal", "cortex-a72", "2G", max_memory="8G", cpus=2, other_cpus=2),
}


def board_of(machine: str) -> Optional[Board]:
    """Returns the board that a value of QEMU's -machine names, or None if it names none of the table."""
    return BOARDS.get(machine.split(",", 1)[0])


def mib(memory: str) -> int:
    """Returns a number with a unit in MiB."""
    return int(memory[:-1]) * UNITS_IN_MIB[memory[-1]]


def check(machine: str, cpus: int, cpu: str, memory: str) -> None:
    """Raises UsageError if QEMU has no such board: it fixes the CPUs, their model and the most memory. A
    machine that is no board of the table passes. `memory` is a number with a unit."""
    board = board_of(machine)
    if board is None:
        return
    name = machine.split(",", 1)[0]
    if cpus != board.cpus:
        raise UsageError(f"the board {name} has {board.cpus} CPUs: leave out --cpus {cpus}")
    if cpu != board.cpu:
        raise UsageError(f"the CPUs of the board {name} are {board.cpu}: leave out --cpu {cpu}")
    if board.max_memory:
        if mib(memory) > mib(board.max_memory):
            raise UsageError(f"the board {name} takes --memory up to {board.max_memory}, not {memory}")
    elif mib(memory) != mib(board.memory):
        raise UsageError(f"the board {name} has {board.memory} of memory: leave out --memory {memory}")


def tree_of(machine: str) -> Optional[Path]:
    """Returns the path of the board's device tree, or None if the kernel package is not unpacked or has no
    such tree."""
    board = board_of(machine)
    if board is None or not board.tree:
        return None
    trees = foreign_packages.KERNEL.directory.glob(f"usr/lib/linux-image-*/{board.tree}")
    return next(iter(sorted(trees)), None)


def _property(tree: Path, node: str, name: str) -> str:
    """Returns a property of the tree as text, or an empty string if there is none."""
    try:
        done = subprocess.run(
            ["fdtget", str(tree), node, name], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def serial_port(machine: str, tree: Optional[Path]) -> int:
    """Returns the number of QEMU's serial port that is the console: that of the UART which the tree names by
    stdout-path. It is 0 if the tree names none, and for machines without a table of ports."""
    board = board_of(machine)
    if board is None or tree is None:
        return 0
    console = _property(tree, "/chosen", "stdout-path").split(":", 1)[0]
    if console and not console.startswith("/"):
        console = _property(tree, "/aliases", console)
    unit = re.search(r"@([0-9a-f]+)$", console)
    return board.ports.index(unit[1]) if unit and unit[1] in board.ports else 0


def table_lines() -> str:
    """Returns the table for a terminal."""
    width = max(map(len, BOARDS))
    return "\n".join(
        f"  {name:{width}}  {board.title}: {board.cpus} x {board.cpu}, {board.memory}"
        + (f" (up to {board.max_memory})" if board.max_memory not in ("", board.memory) else "")
        for name, board in BOARDS.items()
    )

# SPDX-License-Identifier: BSD-2-Clause
"""Changes of the device trees that Debian's kernel package has of boards, by name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Callable, Dict

from frontdoor import boards
from row import Row


def _the_pl011_as_console(tree: Path) -> None:
    """Names the first UART of a Raspberry Pi, where the board has a Bluetooth chip. The tree as it is names
    the mini-UART."""
    subprocess.run(["fdtput", "-t", "s", str(tree), "/chosen", "stdout-path", "serial0:115200n8"], check=True)


BOARD_TREES: Dict[str, Callable[[Path], None]] = {"the_pl011_as_console": _the_pl011_as_console}


def make(row: Row, tree: Path) -> None:
    """Writes the changed tree of the row's board. The kernel package must have been unpacked."""
    original = boards.tree_of(row.board)
    assert original is not None
    shutil.copyfile(original, tree)
    BOARD_TREES[row.tree](tree)

# SPDX-License-Identifier: BSD-2-Clause
"""Rows of machines that boot from the cards that `percival image` makes, through Debian's U-Boot."""

from __future__ import annotations

from typing import Tuple

from frontdoor.boards import BOARDS
from row import OF_MACHINE, Row


def _card_of_a_pi(card: str, board: str) -> Row:
    of = BOARDS[board]
    return Row(
        f"the_card_of_{card}_passes_on_{board}",
        cpus=of.cpus,
        cpu=of.cpu,
        memory=of.memory,
        board=board,
        card=f"{card}.img",
        append=OF_MACHINE,
        shows=(r"^Retrieving file: /kernel8.img$", r"^machine: Raspberry Pi \d Model B, 4 of 4 CPUs, "),
    )


IMAGES: Tuple[Row, ...] = (
    _card_of_a_pi("rpi3", "raspi3b"),
    _card_of_a_pi("rpi4", "raspi4b"),
    Row(
        "the_card_of_any_board_with_u_boot_passes_on_virt",
        el=2,
        card="u-boot.img",
        append="selftest=roots.*,percpu.*",
        shows=(r"^Retrieving file: /Image$", "^machine: .*, entered at EL2, "),
    ),
)

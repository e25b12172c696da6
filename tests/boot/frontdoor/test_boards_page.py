# SPDX-License-Identifier: BSD-2-Clause
"""Tests that docs/boards.md has every board of the front door's tables, and no others."""

import re
import unittest
from typing import Dict

from support import ROOT
from frontdoor import boards, image_boards

PAGE = ROOT / "docs" / "boards.md"
MACHINES = "## Machines of QEMU"
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def sections() -> Dict[str, str]:
    """Returns the text of each board's section, by the board's name."""
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8").split(MACHINES)[0], flags=re.MULTILINE)
    return {name: text for name, _, text in (part.partition(":") for part in parts[1:])}


class PageTest(unittest.TestCase):
    def test_every_board_of_the_table_has_a_section_and_every_section_a_board(self) -> None:
        self.assertEqual(list(sections()), list(image_boards.BOARDS))

    def test_every_section_says_what_to_type_and_what_was_tried(self) -> None:
        for name, text in sections().items():
            self.assertRegex(text, rf"\n    \./percival image --board {name}[ \n]")
            self.assertIn("\n- Tried: ", text, name)

    def test_every_machine_of_the_table_has_a_row_and_every_row_a_machine(self) -> None:
        rows = ROW.findall(PAGE.read_text(encoding="utf-8").split(MACHINES)[1])
        self.assertEqual(sorted(rows), sorted(("virt", *boards.BOARDS)))


if __name__ == "__main__":
    unittest.main()

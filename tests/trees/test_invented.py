# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the trees of boards.py are read as the boards are, by the kernel's reader and by the independent
one."""

import subprocess
import unittest
from typing import Dict

from boards import BOARDS, MEMORY_SIZE, NO_METHOD, Board, text
from comparison import Pair, compare
from independent_reader import MEMORY_AT, Facts, facts, with_memory


def compiled(source: str) -> bytes:
    """Returns the tree that dtc makes of a text."""
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb"]
    return subprocess.run(command, input=source.encode(), stdout=subprocess.PIPE, check=True).stdout


def facts_of(board: Board) -> Facts:
    """Returns what a reader should find."""
    return Facts(board.console_at, board.controller_at, tuple(sorted(board.mpidrs)), MEMORY_SIZE)


class InventedTest(unittest.TestCase):
    pairs: Dict[str, Pair]

    @classmethod
    def setUpClass(cls) -> None:
        cls.pairs = compare({board.name: compiled(text(board)) for board in BOARDS})

    def test_both_readers_find_what_every_board_has(self) -> None:
        for board in BOARDS:
            pair = self.pairs[board.name]
            with self.subTest(board=board.name):
                self.assertEqual(pair.error, "")
                self.assertEqual(pair.violation, "")
                self.assertEqual(pair.expected, facts_of(board))
                self.assertEqual(pair.kernel, facts_of(board))

    def test_names_are_unique_and_each_way_to_start_is_there(self) -> None:
        self.assertEqual(len(self.pairs), len(BOARDS))
        self.assertEqual(len({board.start for board in BOARDS}), 4)
        self.assertIn(NO_METHOD, {board.start for board in BOARDS})


class WithMemoryTest(unittest.TestCase):
    def test_a_tree_without_memory_gets_some_and_keeps_the_rest(self) -> None:
        source = text(BOARDS[0])
        empty = source.replace('device_type = "memory";', 'device_type = "nothing";')
        self.assertEqual(facts(compiled(empty)).memory, 0)
        filled = with_memory(compiled(empty))
        self.assertGreater(facts(filled).memory, 0)
        self.assertEqual(facts(filled).console, BOARDS[0].console_at)
        decompiled = subprocess.run(
            ["dtc", "-q", "-I", "dtb", "-O", "dts"], input=filled, stdout=subprocess.PIPE, check=True
        ).stdout.decode()
        self.assertIn(f"reg = <0x00 {MEMORY_AT:#x} ", decompiled)
        self.assertEqual(with_memory(filled), filled)


if __name__ == "__main__":
    unittest.main()

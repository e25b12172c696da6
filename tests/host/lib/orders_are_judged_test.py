#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests that every file of kernel/ and mm/ that asks for an order of memory is judged on the explorer
(tests/host/memory_order/support/judge.hpp) or listed as unexplored, and that the tables fit the sources."""

import re
import unittest
from pathlib import Path
from typing import List, Set

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests" / "host" / "memory_order"
ASKS = re.compile(r"memory_order_(acquire|release|acq_rel|seq_cst)|\barch::d[ms]b<|\btry_cmpxchg_release\(")
JUDGED = re.compile(r"EXPECT_EQ\(\s*\(?judge(?:_at_random)?[<(].*?;", re.DOTALL)
NUMBER = re.compile(r" \((\d+)\)$")  # of the second, third ... line with the same text
FILE = re.compile(r'"((?:kernel|mm)/[^"]+)"')


def without_comments(path: Path) -> List[str]:
    return [line.split("//")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]


def that_ask() -> Set[str]:
    """The files that ask for an order."""
    return {
        str(path.relative_to(ROOT))
        for folder in ("kernel", "mm")
        for path in (ROOT / folder).rglob("*.[ch]pp")
        if any(ASKS.search(line) for line in without_comments(path))
    }


def judged() -> Set[str]:
    calls = [call for path in TESTS.rglob("*_test.cpp") for call in JUDGED.findall(path.read_text())]
    return {name for call in calls for name in FILE.findall(call)}


def rows(table: str) -> List[List[str]]:
    return [line.split("\t") for line in (TESTS / table).read_text(encoding="utf-8").splitlines()[1:]]


class Orders(unittest.TestCase):
    def test_each_file_is_judged_or_unexplored(self) -> None:
        unexplored = [row[0] for row in rows("unexplored.tsv")]
        self.assertEqual(sorted([*judged(), *unexplored]), sorted(that_ask()))

    def test_each_row_says_why(self) -> None:
        for row in rows("unexplored.tsv"):
            self.assertEqual(len([field for field in row if field]), 2, row)
        for row in rows("equivalents.tsv"):
            self.assertEqual(len([field for field in row if field]), 4, row)

    def test_each_equivalent_order_stands_in_a_file_that_is_judged(self) -> None:
        for file, _, line, _ in rows("equivalents.tsv"):
            self.assertIn(file, judged())
            number = NUMBER.search(line)
            count = without_comments(ROOT / file).count(NUMBER.sub("", line))
            self.assertGreaterEqual(count, int(number[1]) if number else 1, line)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the boot matrix covers all pairs of values, and that the front door accepts all its rows."""

import itertools
import unittest

import support  # noqa: F401
from checks import CHECKS
from frontdoor.build import presets
from frontdoor.machine import MAX_CPUS_GICV2, Machine
from matrix import COLUMNS, PAIRS, ROWS


class MatrixTest(unittest.TestCase):
    def test_every_two_values_of_different_columns_share_a_row(self) -> None:
        values = [sorted(set(column), key=str) for column in zip(*PAIRS)]
        for (a, first), (b, second) in itertools.combinations(enumerate(values), 2):
            for x, y in itertools.product(first, second):
                pair = {COLUMNS[a]: x, COLUMNS[b]: y}
                if pair.get("gic") == 2 and pair.get("cpus", 0) > MAX_CPUS_GICV2:
                    continue
                with self.subTest(pair=pair):
                    self.assertTrue(any(row[a] == x and row[b] == y for row in PAIRS))

    def test_the_columns_have_the_documented_values(self) -> None:
        values = dict(zip(COLUMNS, map(set, zip(*PAIRS))))
        self.assertEqual(values["cpus"], {1, 2, 4, 8, 64})
        self.assertEqual(values["cpu"], {"cortex-a53", "cortex-a72", "neoverse-n1", "max"})
        self.assertEqual(values["gic"], {2, 3})
        self.assertEqual(values["el"], {1, 2})
        self.assertLessEqual({"128M", "8G"}, values["memory"])
        self.assertEqual(values["icount"], {True, False})
        self.assertTrue(any(row.cpus == 160 for row in ROWS))

    def test_names_are_unique_and_checks_exist(self) -> None:
        self.assertEqual(len({row.name for row in ROWS}), len(ROWS))
        for row in ROWS:
            self.assertLessEqual(set(row.checks), set(CHECKS), row.name)
            self.assertTrue(row.checks or row.shows, row.name)

    def test_every_row_has_a_valid_machine_and_an_existing_preset(self) -> None:
        for row in ROWS:
            Machine(row.cpus, row.cpu, row.memory, row.machine, row.icount)
            self.assertIn(row.preset, presets())

    def test_every_verdict_is_the_result_of_some_row(self) -> None:
        self.assertEqual({row.exit_code for row in ROWS}, {0, 1, 2, 3})


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that long tests run only when asked for, and that a row is booted as often as it says."""

import contextlib
import io
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import List
from unittest import mock

import support  # noqa: F401
import run_row
from frontdoor import testing
from frontdoor.machine import MAX_CPUS, Machine
from matrix import BY_NAME, ROWS


def ctest_command(*, long: bool) -> List[str]:
    """Returns the command by which `percival test` starts ctest."""
    with tempfile.TemporaryDirectory() as logs, mock.patch.object(testing, "LOGS", Path(logs)):
        with mock.patch.object(testing, "_ctest", return_value=(0, "")) as ctest:
            testing.test(("-R", "x"), may_build=False, long=long)
    return list(ctest.call_args.args[0])


class LongTest(unittest.TestCase):
    def test_ctest_knows_of_long_tests_only_when_they_are_asked_for(self) -> None:
        self.assertNotIn("--build-config", ctest_command(long=False))
        command = ctest_command(long=True)
        self.assertEqual(command[command.index("--build-config") + 1], "long")
        self.assertEqual(command[-2:], ["-R", "x"])

    def test_every_self_test_runs_on_the_smallest_and_the_largest_machine(self) -> None:
        counts = {row.cpus for row in ROWS if row.is_long and "selftest=*" in row.boot_arguments}
        self.assertLessEqual({1, 2, MAX_CPUS}, counts)

    def test_a_boot_of_a_long_row_may_take_long_but_ends_before_ctest_does(self) -> None:
        for row in ROWS:
            if row.is_long:
                machine = Machine(row.cpus, row.cpu, row.memory, row.machine, icount=row.icount)
                self.assertGreater(row.boot_timeout_s, machine.default_timeout_s, row.name)
                self.assertLess(row.boot_timeout_s, row.test_timeout_s, row.name)
                self.assertIn(str(row.boot_timeout_s), row.boot_arguments, row.name)

    def test_a_row_is_booted_as_often_as_it_says_until_a_boot_has_a_problem(self) -> None:
        row = replace(BY_NAME["passes_on_the_default_machine"], times=3)
        for results, boots, problems in (
            ([[], [], []], 3, []),
            ([[], ["bad"], []], 2, ["boot 2 of 3: bad"]),
        ):
            with self.subTest(results=results), contextlib.redirect_stdout(io.StringIO()):
                with mock.patch.object(run_row, "boot", side_effect=results) as boot:
                    self.assertEqual(run_row.run(row), problems)
                self.assertEqual(boot.call_count, boots)


if __name__ == "__main__":
    unittest.main()

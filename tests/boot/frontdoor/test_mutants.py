# SPDX-License-Identifier: BSD-2-Clause
"""Tests that `percival test --mutants` runs the program that its options ask for."""

import unittest

import support  # noqa: F401
from frontdoor.errors import UsageError
from frontdoor.testing import GeneratedMutants


class MutantsTest(unittest.TestCase):
    def test_the_listed_mutants_are_judged_unless_generated_ones_are_asked_for(self) -> None:
        self.assertEqual(GeneratedMutants().command, ["run.py"])
        self.assertEqual(GeneratedMutants(all=True).command, ["generated.py", "--all"])
        sample = ["generated.py", "--count", "400", "--seed"]
        self.assertEqual(GeneratedMutants(count=400).command, [*sample, "1"])
        self.assertEqual(GeneratedMutants(seed=7, count=400).command, [*sample, "7"])
        self.assertEqual(GeneratedMutants(seed=0, count=400).command, [*sample, "0"])
        self.assertEqual(GeneratedMutants(count=400, afresh=True).command, [*sample, "1", "--afresh"])

    def test_what_makes_no_sense_is_refused(self) -> None:
        for wrong in (
            *({"seed": 7}, {"count": 0}, {"afresh": True}),
            *({"count": 4, "all": True}, {"seed": 7, "all": True}),
        ):
            with self.assertRaises(UsageError):
                GeneratedMutants(**wrong)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()

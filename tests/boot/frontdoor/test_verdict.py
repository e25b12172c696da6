# SPDX-License-Identifier: BSD-2-Clause
"""Tests that a verdict counts only if all its sources agree."""

import unittest

import support  # noqa: F401
from frontdoor.verdict import Verdict, decide, parse_line


class VerdictTest(unittest.TestCase):
    def test_each_verdict_has_its_exit_code_by_semihosting(self) -> None:
        for code, verdict in enumerate((Verdict.PASSED, Verdict.FAILED, Verdict.PANIC, Verdict.HANG)):
            self.assertEqual(decide(code, verdict, True).exit_code, code)
            self.assertEqual(decide(code, verdict, True).reason, "")

    def test_each_verdict_has_its_exit_code_by_power_off(self) -> None:
        for verdict in Verdict:
            self.assertEqual(decide(0, verdict, False).exit_code, int(verdict))

    def test_a_disagreement_is_no_verdict(self) -> None:
        for exit_code in (0, 1, 2, 3, 42):
            for verdict in Verdict:
                early_panic = exit_code == 0 and verdict is Verdict.PANIC
                if exit_code == verdict or early_panic:
                    continue
                with self.subTest(exit_code=exit_code, verdict=verdict):
                    decision = decide(exit_code, verdict, True)
                    self.assertEqual(decision.exit_code, 3)
                    self.assertIn(str(exit_code), decision.reason)

    def test_a_panic_before_the_boot_arguments_are_read_is_a_panic(self) -> None:
        self.assertEqual(decide(0, Verdict.PANIC, True).exit_code, 2)

    def test_by_power_off_every_exit_code_but_0_is_no_verdict(self) -> None:
        for exit_code in (1, 2, 3):
            for verdict in Verdict:
                self.assertEqual(decide(exit_code, verdict, False).exit_code, 3)
                self.assertNotEqual(decide(exit_code, verdict, False).reason, "")

    def test_no_verdict_line_is_no_verdict_whatever_qemu_exits_with(self) -> None:
        for exit_code in (0, 1, 2, 3):
            for semihosting in (True, False):
                self.assertEqual(decide(exit_code, None, semihosting).exit_code, 3)
                self.assertNotEqual(decide(exit_code, None, semihosting).reason, "")

    def test_a_killed_qemu_is_no_verdict_and_the_signal_is_named(self) -> None:
        decision = decide(-11, Verdict.PASSED, True)
        self.assertEqual(decision.exit_code, 3)
        self.assertIn("SIGSEGV", decision.reason)

    def test_only_a_whole_line_states_a_verdict(self) -> None:
        self.assertEqual(parse_line("percival: verdict: passed"), Verdict.PASSED)
        self.assertEqual(parse_line("percival: verdict: hang\r"), Verdict.HANG)
        for line in (
            "percival: verdict: ",
            "percival: verdict: fine",
            "verdict: passed",
            "x percival: verdict: passed",
        ):
            self.assertIsNone(parse_line(line))


if __name__ == "__main__":
    unittest.main()

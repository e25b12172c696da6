# SPDX-License-Identifier: BSD-2-Clause
"""Tests that a verdict counts only if all its sources agree."""

import unittest

import support  # noqa: F401
from frontdoor.verdict import Verdict, decide, decide_by_console, parse_line


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

    def test_a_console_alone_decides_by_its_verdict(self) -> None:
        for verdict in Verdict:
            self.assertEqual(decide_by_console(verdict, [], "").exit_code, int(verdict))
        self.assertEqual(decide_by_console(Verdict.FAILED, ["percpu.add"], "").exit_code, 1)

    def test_a_console_that_ends_without_a_verdict_is_no_verdict_and_says_how(self) -> None:
        decision = decide_by_console(None, [], "the file ended")
        self.assertEqual(decision.exit_code, 3)
        self.assertIn("the file ended", decision.reason)

    def test_a_console_that_shows_a_failure_and_says_passed_is_no_verdict(self) -> None:
        decision = decide_by_console(Verdict.PASSED, ["percpu.add"], "")
        self.assertEqual(decision.exit_code, 3)
        self.assertIn("percpu.add", decision.reason)

    def test_what_a_tool_puts_before_the_verdict_does_not_matter(self) -> None:
        self.assertEqual(parse_line("cpu0 | [    1.5] percival: verdict: failed\0\r"), Verdict.FAILED)

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

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the KTAP reader accepts a complete report and finds every error of a broken one."""

import unittest

import support  # noqa: F401
from frontdoor.ktap import Report, read

GOOD = """\
machine: QEMU virt
1..99 and other lines before the report are nobody's plan
KTAP version 1
1..2
  KTAP version 1
  # Subtest: percpu
  1..3
  ok 1 add
something else from the console
  # a.cpp:3: a remark
  ok 2 wraps # SKIP no LSE here
  ok 3 canary
ok 1 percpu
  KTAP version 1
  # Subtest: gic
  1..1
  ok 1 ipi
ok 2 gic
# Totals: pass:3 fail:0 skip:1
percival: verdict: passed
"""


def report(text: str = GOOD, *changes: "tuple[str, str]") -> Report:
    """Reads the text after the changes. Each change must have an effect."""
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return read(text.splitlines())


class KtapTest(unittest.TestCase):
    def assert_error(self, pattern: str, *changes: "tuple[str, str]") -> None:
        errors = report(GOOD, *changes).errors
        self.assertRegex("\n".join(errors), pattern)

    def test_a_complete_report_has_no_errors(self) -> None:
        good = report()
        self.assertEqual(good.errors, [])
        self.assertEqual([test.name for test in good.tests], ["add", "wraps", "canary", "ipi"])
        self.assertEqual([test.skipped for test in good.tests], [None, "no LSE here", None, None])
        self.assertEqual([suite.name for suite in good.results], ["percpu", "gic"])

    def test_a_failed_test_is_not_an_error_of_the_report(self) -> None:
        failed = report(
            GOOD,
            ("  ok 3 canary", "  not ok 3 canary"),
            ("\nok 1 percpu", "\nnot ok 1 percpu"),
            ("pass:3 fail:0", "pass:2 fail:1"),
        )
        self.assertEqual(failed.errors, [])
        self.assertEqual([test.name for test in failed.failed], ["canary"])

    def test_carriage_returns_do_not_matter(self) -> None:
        self.assertEqual(read(GOOD.replace("\n", "\r\n").split("\n")).errors, [])

    def test_times_prefixes_and_noise_do_not_matter(self) -> None:
        for before in ("[    1.234567] ", "cpu0 | ", "2026-01-31T12:00:00.123Z ", "\ufffd\0"):
            noisy = read([before + line + "\0\r" for line in GOOD.splitlines()])
            self.assertEqual(noisy, report())

    def test_noise_between_the_lines_does_not_matter(self) -> None:
        noise = "\n\ufffd\ufffdU-Boot 2024.01\0\n"
        noisy = read(GOOD.replace("\n", noise).split("\n"))
        self.assertEqual(noisy.errors, [])
        self.assertEqual([test.name for test in noisy.tests], ["add", "wraps", "canary", "ipi"])

    def test_lines_before_a_result_are_its_remarks(self) -> None:
        remarks = [test.remarks for test in report().tests]
        self.assertEqual(remarks, [[], ["something else from the console", "  # a.cpp:3: a remark"], [], []])

    def test_a_directive_other_than_skip_says_why(self) -> None:
        whys = report(GOOD, ("  ok 1 add", "  not ok 1 add # TIMEOUT 30 s")).tests
        self.assertEqual([test.why for test in whys], ["TIMEOUT 30 s", "", "", ""])

    def test_the_tests_of_a_suite_that_did_not_end_are_kept(self) -> None:
        cut = report(GOOD[: GOOD.index("ok 1 percpu")])
        names = ["percpu.add", "percpu.wraps", "percpu.canary"]
        self.assertEqual([name for name, _ in cut.by_full_name], names)
        self.assertNotEqual(cut.errors, [])

    def test_a_run_that_was_given_up_is_an_error(self) -> None:
        self.assert_error("given up: panic", ("ok 2 gic", "ok 2 gic\nBail out! panic"))

    def test_a_missing_report_is_found(self) -> None:
        self.assertRegex(read(["machine: x", "ok 1 a"]).errors[0], "no KTAP report")
        self.assertRegex(read([]).errors[0], "no KTAP report")

    def test_a_missing_test_is_found(self) -> None:
        self.assert_error("3 results were planned at depth 1, 2 came", ("  ok 3 canary\n", ""))
        self.assert_error("number 1 was due", ("  ok 1 add\n", ""))

    def test_a_missing_suite_is_found(self) -> None:
        self.assert_error(
            "2 results were planned at depth 0, 1 came",
            (GOOD[GOOD.index("ok 1 percpu\n") + 12 : GOOD.index("# Totals")], ""),
        )

    def test_a_truncated_report_is_found(self) -> None:
        for end in ("  ok 2 wraps", "ok 1 percpu", "  1..1\n", "# Totals"):
            with self.subTest(end=end):
                self.assertNotEqual(report(GOOD[: GOOD.index(end)]).errors, [])

    def test_a_missing_plan_is_found(self) -> None:
        self.assert_error("depth 1 has no plan", ("  1..3\n", ""))
        self.assert_error("depth 0 has no plan", ("1..2\n", ""))

    def test_a_second_plan_is_found(self) -> None:
        self.assert_error("second plan", ("  1..3\n", "  1..3\n  1..3\n"))

    def test_a_wrong_number_is_found(self) -> None:
        self.assert_error("number 2 was due", ("  ok 2 wraps", "  ok 4 wraps"))

    def test_a_suite_that_hides_a_failure_is_found(self) -> None:
        self.assert_error("percpu does not agree", ("  ok 3 canary", "  not ok 3 canary"))

    def test_a_suite_that_fails_without_a_failure_is_found(self) -> None:
        self.assert_error("gic does not agree", ("\nok 2 gic", "\nnot ok 2 gic"))

    def test_wrong_and_missing_totals_are_found(self) -> None:
        self.assert_error("totals say", ("pass:3", "pass:4"))
        self.assert_error("totals are missing", ("# Totals: pass:3 fail:0 skip:1\n", ""))

    def test_a_second_report_is_found(self) -> None:
        self.assert_error("second report", ("percival: verdict", "KTAP version 1\npercival: verdict"))

    def test_subtests_without_a_result_are_found(self) -> None:
        self.assertNotEqual(report(GOOD, ("\nok 1 percpu", "")).errors, [])

    def test_a_report_without_tests_is_an_error(self) -> None:
        empty = "KTAP version 1\n1..0\n# Totals: pass:0 fail:0 skip:0\n"
        self.assertIn("no test ran", report(empty).errors)

    def test_a_plan_of_no_tests_with_its_reason_is_a_plan(self) -> None:
        empty = "KTAP version 1\n1..0 # SKIP tests are listed\n# Totals: pass:0 fail:0 skip:0\n"
        self.assertEqual(report(empty).errors, ["no test ran"])

    def test_a_failure_outside_of_the_suites_is_a_failed_test(self) -> None:
        outside = report(
            GOOD,
            ("\n1..2\n", "\n1..3\n"),
            ("# Totals: pass:3 fail:0", "not ok 3 selection\n# Totals: pass:3 fail:1"),
        )
        self.assertEqual(outside.errors, [])
        self.assertEqual([test.name for test in outside.failed], ["selection"])
        self.assertEqual(outside.by_full_name[-1][0], "selection")

    def test_a_test_that_did_not_end_is_a_failed_test(self) -> None:
        for why in ("TIMEOUT", "ERROR"):
            cut = GOOD[: GOOD.index("  ok 3 canary")] + f"  not ok 3 canary # {why}\nnot ok 1 percpu\n"
            self.assertEqual([test.name for test in report(cut).failed], ["canary"])

    def test_a_report_of_skipped_tests_only_is_an_error(self) -> None:
        suite = "  KTAP version 1\n  1..1\n  ok 1 a # SKIP why\nok 1 s\n"
        skipped = f"KTAP version 1\n1..1\n{suite}# Totals: pass:0 fail:0 skip:1\n"
        self.assertEqual(report(skipped).errors, ["no test ran"])

    def test_a_suite_without_tests_is_found(self) -> None:
        empty = "KTAP version 1\n1..1\n  KTAP version 1\n  1..0\nok 1 s\n# Totals: pass:0 fail:0 skip:0\n"
        self.assertIn("s has no tests", report(empty).errors)


if __name__ == "__main__":
    unittest.main()

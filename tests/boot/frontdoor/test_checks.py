# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the matrix's checks accept the kernel's output and find each line that is missing from it."""

import unittest
from typing import List

import support  # noqa: F401
from checks import CHECKS
from matrix import BY_NAME
from row import Row
from trouble import excerpt

REGISTERS = "\n".join(f"  x{number:<2} 0x{number:016x}" for number in range(31))

EXCEPTION = f"""\
panic: kernel stack overflow
  on cpu 0
  during self-test demo.dereferences_null
  data abort from the same exception level: translation fault, level 0; read
  esr 0x96000004  far V:0x0
  pc  V:0xfffffd7f80016024 percival::selftest_demo_dereferences_null+0x28
  lr  V:0xfffffd7f8000f810 percival::run_selftests+0x598
  sp  0xffff800080013c50  pstate 0x60000305 EL1h nZCv DAif
{REGISTERS}
#0  V:0xfffffd7f80016024 percival::selftest_demo_dereferences_null+0x28
#1  V:0xfffffd7f8000f810 percival::run_selftests+0x598
#2  V:0x0
percival: verdict: panic
"""

HANG = """\
# hang: demo.hangs after 2 s
cpu0 (reporting):
#0  V:0xfffffd7f80005a34 percival::backtrace_all_cpus+0x80
#1  V:0xfffffd7f80015de0 percival::selftest_demo_hangs+0x4
cpu1 was at:
#0  V:0xfffffd7f800074c4 percival::idle+0x14
"""

MASKED = """\
# hang: demo.hangs_with_interrupts_masked after 2 s
cpu0: does not answer, its interrupts are masked
cpu1 (reporting):
#0  V:0xfffffd7f80005a34 percival::backtrace_all_cpus+0x80
"""

SUMMARY = """\
machine: linux,dummy-virt, 2 of 2 CPUs
cpu: 0 to 1: QEMU max r0p0
features: LSE
layout: 4 KiB granule
root: cpu0 P:0x7fff8000, percpu at V:0xfffffc8000000000; of each next CPU 8 KiB and 1 GiB above
"""

REPORT = """\
KTAP version 1
1..1
  KTAP version 1
  # Subtest: demo
  1..1
  ok 1 fails
ok 1 demo
# Totals: pass:1 fail:0 skip:0
"""

FAILED = REPORT.replace("ok 1", "not ok 1").replace("pass:1 fail:0", "pass:0 fail:1")
LIST = "# percpu.add\n# demo.fails (manual)\npercival: verdict: passed\n"


def problems(check: str, text: str, row: Row) -> List[str]:
    """Returns the problems that the check finds in the text."""
    return CHECKS[check](text.splitlines(), row)


class CheckTest(unittest.TestCase):
    def assert_each_line_matters(self, check: str, text: str, row: Row) -> None:
        """Asserts that the check accepts the text, and rejects it without any one of its lines."""
        self.assertEqual(problems(check, text, row), [])
        lines = text.splitlines()
        for index, line in enumerate(lines):
            with self.subTest(check=check, without=line):
                self.assertNotEqual(CHECKS[check](lines[:index] + lines[index + 1 :], row), [])

    def test_an_exception_report_needs_all_its_parts(self) -> None:
        row = BY_NAME["an_exception_is_reported_with_registers_and_syndrome"]
        self.assert_each_line_matters("exception_report", EXCEPTION[: EXCEPTION.index("#1")], row)
        self.assert_each_line_matters(
            "backtrace_into_the_test", EXCEPTION[EXCEPTION.index("#0") :].split("\n")[0], row
        )

    def test_a_backtrace_needs_function_names(self) -> None:
        row = BY_NAME["an_exception_is_reported_with_registers_and_syndrome"]
        nameless = EXCEPTION.replace(" percival::selftest", " 0x0 selftest").replace(
            " percival::run_selftests", ""
        )
        self.assertNotEqual(problems("exception_report", nameless, row), [])
        self.assertNotEqual(problems("backtrace_into_the_test", nameless, row), [])

    def test_a_test_that_must_run_must_not_be_skipped(self) -> None:
        skipped = (
            REPORT.replace("ok 1 fails", "ok 1 fails # SKIP no CPU\n  ok 2 runs")
            .replace("  1..1", "  1..2")
            .replace("skip:0", "skip:1")
        )
        self.assertEqual(problems("whole_report", skipped, Row("x")), [])
        self.assertEqual(problems("whole_report", skipped, Row("x", must_run=("demo.runs",))), [])
        for row in (Row("x", must_run=("demo.*",)), Row("x", must_run=("demo.fails",))):
            self.assertEqual(problems("whole_report", skipped, row), ["demo.fails was skipped: no CPU"])
        excepted = Row("x", must_run=("*",), may_skip=("demo.fails",))
        self.assertEqual(problems("whole_report", skipped, excepted), [])
        self.assertNotEqual(problems("whole_report", skipped, Row("x", must_run=("demo.absent",))), [])

    def test_a_panic_of_another_test_is_rejected(self) -> None:
        row = BY_NAME["a_panic_exits_2"]
        self.assertNotEqual(problems("panic_report", EXCEPTION, row), [])
        self.assertNotEqual(problems("backtrace_into_the_test", EXCEPTION, row), [])

    def test_an_overflow_report_needs_its_cause(self) -> None:
        row = BY_NAME["a_stack_overflow_is_named_in_the_report"]
        self.assertEqual(problems("overflow_report", EXCEPTION, row), [])
        self.assertNotEqual(
            problems("overflow_report", EXCEPTION.replace("kernel stack overflow", "fault"), row), []
        )

    def test_a_hang_report_needs_every_cpus_backtrace(self) -> None:
        row = Row("x", cpus=2, append="selftest=demo.hangs selftest.timeout=2")
        self.assert_each_line_matters(
            "hang_report", "\n".join(HANG.splitlines()[:3] + HANG.splitlines()[4:]), row
        )
        self.assertEqual(problems("backtrace_into_the_test", HANG, row), [])
        self.assertNotEqual(problems("hang_report", HANG, Row("x", cpus=3, append=row.append)), [])

    def test_a_masked_hang_report_needs_the_silent_cpu(self) -> None:
        row = Row("x", cpus=2, append="selftest=demo.hangs_with_interrupts_masked selftest.timeout=2")
        self.assert_each_line_matters("masked_hang_report", MASKED, row)

    def test_a_power_off_is_no_reset(self) -> None:
        row = BY_NAME["passes_with_the_verdict_by_reset"]
        self.assert_each_line_matters("no_power_off", "percival: verdict: passed\n", row)
        off = "percival: verdict: passed\nqemu_system_shutdown_request reason=6\n"
        self.assertEqual(problems("no_power_off", off, row), ["the machine was turned off"])

    def test_a_summary_needs_all_its_lines_and_a_root_per_cpu(self) -> None:
        row = Row("x", cpus=2)
        self.assert_each_line_matters("summary", SUMMARY, row)
        self.assertNotEqual(problems("summary", SUMMARY.replace("CPU 8 KiB", "CPU 0 KiB"), row), [])
        common = SUMMARY + "roots: common to all CPUs, CnP = 1 on cpu0\n"
        self.assertNotEqual(problems("summary", common, row), [])
        self.assertEqual(problems("summary", common.replace("CPU 8 KiB", "CPU 0 KiB"), row), [])

    def test_a_report_with_a_failure_is_not_a_pass(self) -> None:
        row = BY_NAME["a_failing_test_exits_1"]
        self.assertEqual(problems("whole_report", REPORT, row), [])
        self.assertNotEqual(problems("whole_report", FAILED, row), [])
        self.assertEqual(problems("failed_report", FAILED, row), [])
        self.assertNotEqual(problems("failed_report", REPORT, row), [])
        self.assertNotEqual(problems("failed_report", FAILED.replace("fails", "other"), row), [])

    def test_a_repeated_report_has_every_test_as_often_as_asked(self) -> None:
        again = REPORT.replace("1..1\n  K", "1..2\n  K").replace("pass:1", "pass:2")
        suite = REPORT[REPORT.index("  KTAP") : REPORT.index("# Totals")]
        twice = again.replace("# Totals", suite.replace("ok 1 demo", "ok 2 demo") + "# Totals")
        row = Row("x", append="selftest=demo.* selftest.repeat=2")
        self.assertEqual(problems("repeated_report", twice, row), [])
        self.assertNotEqual(problems("repeated_report", REPORT, row), [])
        self.assertNotEqual(problems("repeated_report", twice, Row("x", append="selftest.repeat=20")), [])
        self.assertNotEqual(problems("repeated_report", twice, Row("x")), [])

    def test_a_report_of_every_mode_has_every_test_in_each(self) -> None:
        suite = REPORT[REPORT.index("  KTAP") : REPORT.index("# Totals")]
        suites = [suite.replace("ok 1 demo", f"ok {number} demo") for number in (1, 2, 3, 4)]
        modes = ["# percpu: local\n", "# percpu: restart\n", "# percpu: fixup\n", "# percpu: guarded\n"]
        start = REPORT[: REPORT.index("  KTAP")].replace("1..1", "1..4")
        end = "# Totals: pass:4 fail:0 skip:0\n"
        whole = start + "".join(map("".join, zip(modes, suites))) + end
        self.assertEqual(problems("report_of_every_mode", whole, Row("x")), [])
        self.assertNotEqual(problems("report_of_every_mode", whole.replace(modes[1], ""), Row("x")), [])
        self.assertNotEqual(problems("report_of_every_mode", "".join(modes) + REPORT, Row("x")), [])

    def test_a_list_has_tests_of_both_kinds_once(self) -> None:
        self.assertEqual(problems("test_list", LIST, Row("x")), [])
        self.assertNotEqual(problems("test_list", LIST + LIST, Row("x")), [])
        self.assertNotEqual(problems("test_list", LIST.replace(" (manual)", ""), Row("x")), [])
        self.assertNotEqual(problems("test_list", "# demo.fails (manual)\n", Row("x")), [])

    def test_empty_output_satisfies_no_check(self) -> None:
        row = BY_NAME["a_panic_exits_2"]
        for name, check in CHECKS.items():
            self.assertNotEqual(check([], row), [], name)


class TestExcerpt(unittest.TestCase):
    """What is shown first of a run that went wrong."""

    def test_the_first_trouble_is_in_it_with_what_led_to_it_and_what_follows(self) -> None:
        quiet = [f"line {number}" for number in range(100)]
        for trouble in ("  not ok 3 a_test", "# hang: locks.a_test after 30 s", "panic: no memory"):
            shown = excerpt([*quiet, trouble, "percival: verdict: failed", *quiet])
            self.assertEqual(shown[:13], [*quiet[-12:], trouble])
            self.assertEqual(shown[13], "percival: verdict: failed")
            self.assertLess(len(shown), 100)

    def test_a_run_without_trouble_shows_its_end(self) -> None:
        quiet = [f"  ok {number} a_test" for number in range(100)]
        self.assertEqual(excerpt(quiet), quiet[-12:])


if __name__ == "__main__":
    unittest.main()

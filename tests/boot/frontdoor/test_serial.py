# SPDX-License-Identifier: BSD-2-Clause
"""Tests `percival serial` as a user calls it, with files as consoles: verdicts, reports and wrong input."""

import subprocess
import unittest
from pathlib import Path
from typing import List

from serial_support import PANIC, PASSED, REPORT, SerialTestCase
from frontdoor.console import Lines


class FileTest(SerialTestCase):
    def test_the_exit_code_is_the_kernels_verdict(self) -> None:
        for code, word in enumerate(("passed", "failed", "panic", "hang")):
            done = self.follow_file(f"percival: verdict: {word}\n")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual((self.json()["verdict"], self.json()["exit_code"]), (word, code))

    def test_stdin_is_a_console(self) -> None:
        command = [str(self.tree / "percival"), "serial", "-"]
        done = subprocess.run(command, input=REPORT.encode(), capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout.decode(), REPORT)

    def test_a_console_that_ends_without_a_verdict_exits_3_with_a_message(self) -> None:
        for content in ("", "Percival\n", REPORT[: REPORT.index("percival:")]):
            done = self.follow_file(content)
            self.assertEqual(done.returncode, 3)
            self.assertIn("console ended", done.stderr)
            self.assertEqual(self.json()["verdict"], None)
            self.assertIn("console ended", self.json()["reason"])

    def test_a_last_line_without_a_line_end_counts(self) -> None:
        self.assertEqual(self.follow_file(PASSED.rstrip()).returncode, 0)

    def test_the_first_verdict_ends_the_run(self) -> None:
        done = self.follow_file(PASSED + "percival: verdict: panic\n")
        self.assertEqual(done.returncode, 0)

    def test_a_verdict_that_the_report_contradicts_is_no_verdict(self) -> None:
        done = self.follow_file(REPORT.replace("verdict: failed", "verdict: passed"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("percpu.wraps failed", done.stderr)

    def test_lines_that_are_lost_are_named(self) -> None:
        done = self.follow_file(REPORT.replace("  ok 1 adds\n", ""))
        self.assertEqual(done.returncode, 1)
        self.assertIn("the report: result 2 (wraps) where number 1 was due", done.stderr)
        self.assertIn("result 2 (wraps) where number 1 was due", self.json()["problems"])

    def test_the_console_is_shown_and_logged(self) -> None:
        raw = b"\xff\0boot\r\n" + REPORT.replace("\n", "\r\n").encode()
        path = self.file(raw)
        done = subprocess.run(
            [str(self.tree / "percival"), "serial", path, *self.outputs], capture_output=True, check=False
        )
        self.assertEqual(done.stdout, raw.replace(b"\r", b""))
        self.assertEqual(self.out["log"].read_bytes(), raw)

    def test_noise_times_and_prefixes_change_nothing(self) -> None:
        self.follow_file(REPORT)
        plain = (self.json(), self.out["junit"].read_text())
        for before in (b"", b"[    1.234567] ", b"cpu0 | ", b"12:00:00 cpu0 | ", b"\0\xff", b"\xe2\x82"):
            noise = b"\xff\xfe\xe2\x82\0U-Boot\r\n\0\0\r\n"
            lines = (before + line + b"\0\r\r\n" for line in REPORT.encode().splitlines())
            done = self.follow_file(noise + b"".join(lines))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual((self.json(), self.out["junit"].read_text()), plain)

    def test_noise_without_line_ends_is_read_to_its_end(self) -> None:
        done = self.run_percival("serial", self.file(b"\x80" * 300_000 + b"\n" + PASSED.encode()))
        self.assertEqual(done.returncode, 0)

    def test_noise_without_line_ends_is_not_kept_as_one_line(self) -> None:
        lines: List[str] = []
        splitter = Lines(lines.append, echo=False)
        for _ in range(100):
            splitter.feed(b"\x80" * 10_000)
        self.assertGreater(len(lines), 10)


class ReportsTest(SerialTestCase):
    def test_json_has_the_verdict_the_tests_and_what_the_kernel_found(self) -> None:
        self.follow_file(REPORT)
        self.assertEqual(
            self.json(),
            {
                "verdict": "failed",
                "exit_code": 1,
                "reason": "",
                "totals": {"pass": 2, "fail": 1, "skip": 1},
                "problems": [],
                "found": [
                    "machine: a board, 4 of 4 CPUs",
                    "console: PL011 at P:0x9000000",
                    "watchdog: P:0x30280000 stopped",
                ],
                "tests": [
                    {"suite": "percpu", "name": "adds", "result": "pass"},
                    {"suite": "percpu", "name": "wraps", "result": "fail", "remarks": "  # a.cpp:3: 1 is 2"},
                    {"suite": "percpu", "name": "divides", "result": "skip", "why": "no division here"},
                    {"suite": "gic", "name": "ipi", "result": "pass"},
                ],
            },
        )

    def test_junit_has_a_suite_for_each_suite_and_one_for_the_verdict(self) -> None:
        self.follow_file(REPORT)
        counts = [
            tuple(suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped"))
            for suite in self.junit()
        ]
        self.assertEqual(
            counts,
            [("percpu", "3", "1", "0", "1"), ("gic", "1", "0", "0", "0"), ("percival", "1", "1", "0", "0")],
        )
        failure, skipped = self.junit().find(".//failure"), self.junit().find(".//skipped")
        assert failure is not None and skipped is not None
        self.assertEqual(failure.text, "  # a.cpp:3: 1 is 2")
        self.assertEqual(skipped.get("message"), "no division here")

    def test_a_test_that_a_panic_ends_is_an_error_with_the_panics_report(self) -> None:
        self.assertEqual(self.follow_file(PANIC).returncode, 2)
        error = self.junit().find(".//error")
        assert error is not None
        self.assertEqual(error.get("message"), "ERROR")
        self.assertEqual(error.text, "panic: ? what\n  on cpu 0")
        self.assertEqual([suite.get("errors") for suite in self.junit()], ["1", "1"])

    def test_the_case_of_the_verdict_passes_exactly_if_the_exit_code_is_0(self) -> None:
        for content in (PASSED, "percival: verdict: hang\n", "percival: verdict: failed\n", ""):
            done = self.follow_file(content)
            case = self.junit().find(".//testcase[@name='verdict']")
            assert case is not None
            bad = case.find("failure") is not None or case.find("error") is not None
            self.assertEqual(bad, done.returncode != 0, content)

    def test_the_tests_of_a_suite_that_did_not_end_are_reported(self) -> None:
        self.follow_file(REPORT[: REPORT.index("not ok 1 percpu")])
        self.assertEqual(self.json()["totals"], {"pass": 1, "fail": 1, "skip": 1})
        self.assertEqual({test["suite"] for test in self.json()["tests"]}, {"percpu"})


class WrongInputTest(SerialTestCase):
    def assert_refused(self, code: int, message: str, *arguments: str) -> None:
        done = self.run_percival("serial", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(message, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_device_that_cannot_be_opened_exits_74(self) -> None:
        self.assert_refused(74, "no_such_tty cannot be opened: No such file", f"{self.state}/no_such_tty")
        self.assert_refused(74, "is a directory", str(self.state))

    def test_an_output_that_cannot_be_written_exits_74_before_the_board_is_reset(self) -> None:
        reset = ("--reset", f"touch {self.state}/was_reset")
        for option in ("--log", "--junit", "--json"):
            missing = f"{self.state}/no_such_folder/file"
            self.assert_refused(74, "cannot be written", self.file(PASSED), option, missing, *reset)
        self.assertFalse((self.state / "was_reset").exists())

    def test_a_full_disk_exits_74(self) -> None:
        self.assert_refused(74, "cannot be written: No space", self.file(PASSED), "--log", "/dev/full")
        self.assert_refused(74, "cannot be written: No space", self.file(PASSED), "--json", "/dev/full")

    def test_wrong_arguments_exit_64(self) -> None:
        self.assert_refused(64, "--baud takes one of 50, ", self.file(PASSED), "--baud", "115201")
        self.assert_refused(64, "--timeout", self.file(PASSED), "--timeout", "-1")
        self.assert_refused(64, "DEVICE")

    def test_an_output_that_would_overwrite_the_console_or_another_exits_64(self) -> None:
        path = self.file(PASSED)
        link = self.state / "link"
        link.symlink_to(path)
        for option in ("--log", "--junit", "--json"):
            self.assert_refused(64, "would overwrite", path, option, path)
            self.assert_refused(64, "would overwrite", path, option, str(link))
        self.assertEqual(Path(path).read_text(), PASSED)
        same = str(self.out["json"])
        self.assert_refused(64, "files of their own", path, "--json", same, "--junit", same)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests `percival serial` as a user calls it, with pipes and pseudo terminals as boards: the reset, the
terminal, and all ends that are not a file's.
"""

import os
import signal
import subprocess
import termios
import unittest
from typing import Tuple

from serial_support import PASSED, REPORT, SerialTestCase
from support import alive, eventually


class ResetTest(SerialTestCase):
    def test_the_command_runs_once_the_console_is_open(self) -> None:
        fifo = self.fifo()
        done = self.run_percival("serial", fifo, "--reset", f"echo 'percival: verdict: failed' > {fifo}")
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_the_console_is_read_while_the_command_runs(self) -> None:
        # The command ends only when the board's words have been read, which are more than a pipe holds.
        fifo = self.fifo()
        words = "head -c 1000000 /dev/zero | tr '\\0' '\\n'; echo 'percival: verdict: failed'"
        done = self.run_percival("serial", fifo, "--reset", f"{{ {words}; }} > {fifo}")
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_what_the_command_says_goes_to_stderr(self) -> None:
        done = self.follow_file(PASSED, "--reset", "echo power is on")
        self.assertEqual(done.stdout, PASSED)
        self.assertIn("power is on", done.stderr)

    def test_a_command_that_fails_exits_74_with_its_exit_code(self) -> None:
        for device in (self.file(PASSED), self.fifo()):
            done = self.run_percival("serial", device, *self.outputs, "--reset", "exit 5")
            self.assertEqual(done.returncode, 74)
            self.assertIn("--reset: 'exit 5' exited with 5", done.stderr)
            self.assertEqual(self.json()["exit_code"], 74)

    def test_a_command_that_fails_after_the_verdict_exits_74(self) -> None:
        command = f"until grep -q verdict {self.out['log']}; do sleep 0.01; done; exit 5"
        done = self.follow_file(PASSED, "--reset", command)
        self.assertEqual(done.returncode, 74)
        self.assertEqual((self.json()["verdict"], self.json()["exit_code"]), ("passed", 74))

    def test_a_command_that_is_killed_is_named_with_the_signal(self) -> None:
        self.assertIn("was killed by SIGKILL", self.follow_file(PASSED, "--reset", "kill -9 $$").stderr)

    def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(self) -> None:
        pid = self.state / "pid_of_sleep"
        done = self.follow_file(
            PASSED, "--timeout", "1", "--reset", f"sleep 1000 & echo $! > {pid}; wait; exit 0"
        )
        self.assertEqual(done.returncode, 74)
        self.assertIn("has not ended in time", done.stderr)
        # On a busy host the shell may have been ended before it started anything.
        started = pid.read_text() if pid.exists() else ""
        self.assertTrue(eventually(lambda: not started or not alive(int(started))), "sleep was left behind")


class TerminalTest(SerialTestCase):
    """The board is a pseudo terminal, whose other end the test has."""

    def setUp(self) -> None:
        super().setUp()
        self.board, self.line = os.openpty()
        self.addCleanup(self.unplug)

    def unplug(self) -> None:
        for descriptor in (self.board, self.line):
            if descriptor >= 0:
                os.close(descriptor)
        self.board = self.line = -1

    def follow(self, *options: str) -> "subprocess.Popen[str]":
        """Starts percival and waits until it follows the terminal."""
        process = self.start("serial", os.ttyname(self.line), *self.outputs, *options)
        assert process.stderr is not None
        self.assertRegex(process.stderr.readline(), "following /dev/")
        return process

    def ended(self, process: "subprocess.Popen[str]") -> Tuple[int, str]:
        with process:
            _, err = process.communicate(timeout=120)
        return process.returncode, err

    def test_the_verdict_ends_the_run_though_the_line_stays_open(self) -> None:
        process = self.follow()
        os.write(self.board, REPORT.replace("\n", "\r\n").encode())
        self.assertEqual(self.ended(process)[0], 1)
        self.assertEqual(self.json()["totals"], {"pass": 2, "fail": 1, "skip": 1})

    def test_bytes_that_come_one_by_one_make_the_same_lines(self) -> None:
        process = self.follow()
        for byte in REPORT.encode():
            os.write(self.board, bytes([byte]))
        self.assertEqual(self.ended(process)[0], 1)
        self.assertEqual(self.json()["totals"], {"pass": 2, "fail": 1, "skip": 1})

    def test_what_came_before_is_dropped(self) -> None:
        os.write(self.board, PASSED.encode())
        process = self.follow()
        os.write(self.board, b"percival: verdict: failed\n")
        self.assertEqual(self.ended(process)[0], 1)

    def test_the_terminal_passes_every_byte_at_the_speed_and_is_left_as_it_was(self) -> None:
        before = termios.tcgetattr(self.line)
        process = self.follow("--baud", "1500000")
        during = termios.tcgetattr(self.line)
        special = bytes([3, 4, 17, 19, 26, 13, 0, 255])
        os.write(self.board, special + b"\n" + PASSED.encode())
        self.assertEqual(self.ended(process)[0], 0)
        self.assertEqual(self.out["log"].read_bytes(), special + b"\n" + PASSED.encode())
        self.assertEqual(during[4:6], [termios.B1500000] * 2)
        self.assertEqual(during[3] & (termios.ECHO | termios.ICANON | termios.ISIG), 0)
        self.assertEqual(termios.tcgetattr(self.line), before)

    def test_a_device_that_vanishes_exits_74_with_the_results_so_far(self) -> None:
        process = self.follow()
        os.write(self.board, REPORT[: REPORT.index("not ok 1")].encode())
        assert process.stdout is not None
        while "divides" not in process.stdout.readline():
            pass
        self.unplug()
        code, err = self.ended(process)
        self.assertEqual(code, 74)
        self.assertRegex(err, "can no longer be read|is gone")
        self.assertEqual(self.json()["totals"], {"pass": 1, "fail": 1, "skip": 1})
        self.assertEqual(self.json()["exit_code"], 74)

    def test_ctrl_c_and_sigterm_end_it_cleanly_with_the_results_so_far(self) -> None:
        before = termios.tcgetattr(self.line)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.follow("--reset", "exec sleep 1000")
            last_line = "  ok 1 adds"  # which has not ended
            os.write(self.board, REPORT[: REPORT.index(last_line)].encode() + last_line.encode())
            assert process.stdout is not None
            shown = ""
            while not shown.endswith(last_line):
                shown += process.stdout.read(1)
            process.send_signal(number)
            code, err = self.ended(process)
            self.assertEqual(code, 130)
            self.assertNotIn("Traceback", err)
            self.assertEqual(self.json()["reason"], "interrupted")
            self.assertEqual(self.json()["totals"], {"pass": 1, "fail": 0, "skip": 0})
            self.assertEqual(termios.tcgetattr(self.line), before)

    def test_a_silent_board_is_a_hang_after_the_timeout(self) -> None:
        code, err = self.ended(self.follow("--timeout", "1"))
        self.assertEqual(code, 3)
        self.assertIn("no end after 1 s", err)

    def test_a_board_that_never_stops_talking_is_a_hang_after_the_timeout(self) -> None:
        fifo = self.fifo()
        talk = f"while sleep 0.01; do echo Percival; done > {fifo} &"
        done = self.run_percival("serial", fifo, "--timeout", "1", "--reset", talk)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no end after 1 s", done.stderr)


if __name__ == "__main__":
    unittest.main()

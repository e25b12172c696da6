# SPDX-License-Identifier: BSD-2-Clause
"""Tests that no QEMU is left behind, however a run ends."""

import os
import pty
import signal
import subprocess
import termios
import unittest

from support import HANGING, TreeTestCase, alive, eventually

STUBBORN = "trap '' TERM INT; echo booting; while :; do sleep 0.1; done"


class NoOrphanTest(TreeTestCase):
    def assert_ended_by(self, number: int, expected: int, qemu: str) -> None:
        process = self.start("boot", "--no-build", qemu=qemu)
        with process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "booting\n")
            pid = self.qemu_pid()
            assert pid is not None
            self.assertTrue(alive(pid))
            process.send_signal(number)
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, expected)
        self.assertTrue(eventually(lambda: not alive(pid)), "QEMU outlived percival")

    def test_ctrl_c_ends_qemu_and_exits_130(self) -> None:
        self.assert_ended_by(signal.SIGINT, 130, HANGING)

    def test_sigterm_ends_qemu_and_exits_130(self) -> None:
        self.assert_ended_by(signal.SIGTERM, 130, HANGING)

    def test_a_lost_terminal_ends_qemu(self) -> None:
        self.assert_ended_by(signal.SIGHUP, 130, HANGING)

    def test_a_qemu_that_ignores_sigterm_is_killed(self) -> None:
        self.assert_ended_by(signal.SIGINT, 130, STUBBORN)

    def test_qemu_dies_with_a_killed_front_door(self) -> None:
        self.assert_ended_by(signal.SIGKILL, -signal.SIGKILL, HANGING)

    def test_qemu_gets_sigterm_before_it_is_killed(self) -> None:
        polite = f"trap 'touch {self.state}/asked; exit 0' TERM; echo booting; while :; do sleep 0.1; done"
        self.assert_ended_by(signal.SIGINT, 130, polite)
        self.assertTrue((self.state / "asked").exists())

    def test_a_key_typed_at_the_terminal_does_not_reach_qemu(self) -> None:
        with self.start("boot", "--no-build", qemu=HANGING) as process:
            assert process.stdout is not None
            process.stdout.readline()
            pid = self.qemu_pid()
            assert pid is not None
            self.assertNotEqual(os.getpgid(pid), os.getpgid(process.pid))
            process.terminate()
            process.communicate(timeout=60)

    def test_a_timeout_ends_qemu(self) -> None:
        self.assertEqual(
            self.run_percival("boot", "--no-build", "--timeout", "1", qemu=STUBBORN).returncode, 3
        )
        pid = self.qemu_pid()
        assert pid is not None
        self.assertTrue(eventually(lambda: not alive(pid)))

    def test_a_closed_stdout_ends_qemu(self) -> None:
        flood = "while echo booting; do :; done; exec sleep 1000"
        with self.start("boot", "--no-build", qemu=flood) as process:
            assert process.stdout is not None
            process.stdout.readline()
            pid = self.qemu_pid()
            assert pid is not None
            process.stdout.close()
            self.assertEqual(process.wait(timeout=60), 130)
        self.assertTrue(eventually(lambda: not alive(pid)))

    def test_ctrl_c_works_after_a_script_started_it_in_the_background(self) -> None:
        script = f"'{self.tree}/percival' boot --no-build & echo $! > '{self.state}/percival'; wait $!"
        environment = {**self.environment, "FAKE_QEMU": HANGING}
        with subprocess.Popen(
            ["sh", "-c", script], env=environment, stdout=subprocess.PIPE, text=True
        ) as shell:
            assert shell.stdout is not None
            self.assertEqual(shell.stdout.readline(), "booting\n")
            os.kill(int((self.state / "percival").read_text()), signal.SIGINT)
            self.assertEqual(shell.wait(timeout=60), 130)
        pid = self.qemu_pid()
        assert pid is not None
        self.assertTrue(eventually(lambda: not alive(pid)))

    def test_the_terminal_is_left_as_it_was(self) -> None:
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        process = subprocess.Popen(
            [str(self.tree / "percival"), "boot", "--no-build"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**self.environment, "FAKE_QEMU": HANGING},
        )
        self.assertTrue(eventually(lambda: self.qemu_pid() is not None))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130)
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(master)
        os.close(slave)


if __name__ == "__main__":
    unittest.main()

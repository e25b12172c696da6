# SPDX-License-Identifier: BSD-2-Clause
"""Tests that QEMU is asked for other sizes of memory when the console shows what a row waits for."""

import contextlib
import json
import socket
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any, Dict, List

import support  # noqa: F401
from qmp import VIRTIO_MEM, Qmp, Resizer


class Monitor:
    """QEMU's end of the connection. It refuses what is asked of it if it has been told to."""

    def __init__(self, path: Path, *, refuses: bool = False, closes: bool = False) -> None:
        self.commands: List[Dict[str, Any]] = []
        self._refuses = refuses
        self._closes = closes
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def join(self) -> None:
        """Waits until the client has left."""
        self._thread.join()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        self._listener.close()
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            stream.write('{"QMP": {}}\n')
            stream.flush()
            for line in stream:
                command = json.loads(line)
                self.commands.append(command)
                is_ours = command["execute"] == "qom-set"
                if is_ours and self._closes:
                    return
                answer = '{"error": {"desc": "no"}}' if is_ours and self._refuses else '{"return": {}}'
                stream.write('{"event": "RESUME"}\n' + answer + "\n")
                stream.flush()


class QmpTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="percival-")
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "qmp"

    def test_each_line_that_matches_asks_for_its_size(self) -> None:
        monitor = Monitor(self.path)
        with contextlib.closing(Qmp(self.path)) as qmp:
            resizer = Resizer(qmp, (("^grow$", 64), ("^shrink", 0)))
            for line in ("grow", "do not grow", "shrink it", "grow"):
                resizer.observe(line)
        monitor.join()
        self.assertEqual(resizer.problems, [])
        self.assertEqual(monitor.commands[0], {"execute": "qmp_capabilities", "arguments": {}})
        wanted = {"path": VIRTIO_MEM, "property": "requested-size"}
        self.assertEqual(
            [command["arguments"] for command in monitor.commands[1:]],
            [{**wanted, "value": value} for value in (64 << 20, 0, 64 << 20)],
        )

    def test_what_qemu_refuses_is_a_problem_and_nothing_more_is_asked(self) -> None:
        monitor = Monitor(self.path, refuses=True)
        with contextlib.closing(Qmp(self.path)) as qmp:
            resizer = Resizer(qmp, (("x", 64),))
            resizer.observe("x")
            resizer.observe("x")
        monitor.join()
        self.assertEqual(resizer.problems, ["QEMU does not resize: qom-set: no"])
        self.assertEqual(len(monitor.commands), 2)

    def test_a_qemu_that_ends_is_a_problem(self) -> None:
        monitor = Monitor(self.path, closes=True)
        with contextlib.closing(Qmp(self.path)) as qmp:
            resizer = Resizer(qmp, (("x", 64),))
            resizer.observe("x")
        monitor.join()
        self.assertEqual(resizer.problems, ["QEMU does not resize: QEMU has closed the connection"])

    def test_a_qemu_that_does_not_listen_is_a_problem(self) -> None:
        with contextlib.closing(Qmp(self.path)) as qmp:
            resizer = Resizer(qmp, (("x", 64),))
            resizer.observe("x")
        self.assertEqual(len(resizer.problems), 1)


if __name__ == "__main__":
    unittest.main()

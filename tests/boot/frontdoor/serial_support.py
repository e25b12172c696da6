# SPDX-License-Identifier: BSD-2-Clause
"""Shared by the tests of `percival serial`: consoles, and a bed with the outputs."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict

from support import TreeTestCase

REPORT = """\
Percival
machine: a board, 4 of 4 CPUs
console: PL011 at P:0x9000000
watchdog: P:0x30280000 stopped
KTAP version 1
1..2
  KTAP version 1
  # Subtest: percpu
  1..3
  ok 1 adds
  # a.cpp:3: 1 is 2
  not ok 2 wraps
  ok 3 divides # SKIP no division here
not ok 1 percpu
  KTAP version 1
  # Subtest: gic
  1..1
  ok 1 ipi
ok 2 gic
# Totals: pass:2 fail:1 skip:1
percival: verdict: failed
"""
PANIC = """\
KTAP version 1
1..1
  KTAP version 1
  # Subtest: demo
  1..1
panic: \x01 what
  on cpu 0
  not ok 1 panics # ERROR
not ok 1 demo
Bail out! the run ended in demo.panics
percival: verdict: panic
"""
PASSED = "percival: verdict: passed\n"


class SerialTestCase(TreeTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.out = {name: self.state / name for name in ("log", "junit", "json")}
        self.outputs = [text for name, path in self.out.items() for text in (f"--{name}", str(path))]

    def file(self, content: "str | bytes") -> str:
        path = self.state / "console"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def follow_file(self, content: "str | bytes", *options: str) -> "subprocess.CompletedProcess[str]":
        return self.run_percival("serial", self.file(content), *self.outputs, *options)

    def json(self) -> Dict[str, Any]:
        value = json.loads(self.out["json"].read_text())
        assert isinstance(value, dict)
        return value

    def junit(self) -> ElementTree.Element:
        return ElementTree.parse(self.out["junit"]).getroot()

    def fifo(self) -> str:
        path = self.state / "fifo"
        os.mkfifo(path)
        return str(path)

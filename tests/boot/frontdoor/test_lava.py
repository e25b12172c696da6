# SPDX-License-Identifier: BSD-2-Clause
"""Tests the jobs for LAVA: its schema accepts them, and their monitor finds each result of a report. Exit
code 77: the schema is not installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unittest
from typing import Any, Dict, List, Tuple

from support import ROOT
from frontdoor.requirements import LAVA
from frontdoor.testing import skip_all

JOBS = ("qemu", "u-boot")
DEBIANS_PYTHON = "/usr/bin/python3"  # has Debian's modules
CHECK = """
import json, sys, yaml
from lava_common import schemas
job = yaml.safe_load(sys.stdin)
schemas.validate(job)
print(json.dumps(job))
"""
BANNER = "U-Boot\nBooting Percival by booti\nPercival\nmachine: a board\n"
REPORT = """\
KTAP version 1
1..2
  KTAP version 1
  # Subtest: percpu
  1..3
  ok 1 adds
  # a.cpp:3: not ok 1
  not ok 2 wraps
  ok 3 divides # SKIP no division here
not ok 1 percpu
  KTAP version 1
  # Subtest: numa
  1..1
  ok 1 pages # SKIP one node
ok 2 numa # SKIP every test is skipped
# Totals: pass:1 fail:1 skip:2
percival: verdict: failed
"""
ENDS: Dict[str, List[Tuple[str, str]]] = {
    "  1..1\n  not ok 1 hangs # TIMEOUT\nnot ok 1 demo\nBail out! demo.hangs\npercival: verdict: hang\n": [
        ("hangs", "fail"),
        ("demo", "fail"),
    ],
    "panic: assertion failed\n  not ok 1 panics # ERROR\nnot ok 1 demo\npercival: verdict: panic\n": [
        ("panic", "fail"),
        ("panics", "fail"),
        ("demo", "fail"),
    ],
    "Percival cannot run here: no granule\npercival: verdict: panic\n": [("percival", "fail")],
    "1..1\nnot ok 1 every_pattern_selects_tests\npercival: verdict: failed\n": [
        ("every_pattern_selects_tests", "fail")
    ],
    "1..0 # SKIP self-tests are listed, not run\n# demo.fails\npercival: verdict: passed\n": [],
}


def setUpModule() -> None:
    """Skips all if the schema is missing."""
    if not LAVA.present():
        skip_all(f"{LAVA.package} is not installed; ./percival setup does that")


def checked_job(text: str) -> "subprocess.CompletedProcess[str]":
    """Checks a job by LAVA's schema, and prints it as JSON."""
    return subprocess.run(
        [DEBIANS_PYTHON, "-c", CHECK], input=text, capture_output=True, text=True, check=False
    )


def job_text(name: str) -> str:
    """Returns the text of a job."""
    return (ROOT / "docs" / "lava" / f"{name}.yaml").read_text()


def monitor_of(name: str) -> Dict[str, Any]:
    """Returns the monitor of a job."""
    job = json.loads(checked_job(job_text(name)).stdout)
    (monitor,) = (action["test"]["monitors"][0] for action in job["actions"] if "test" in action)
    assert isinstance(monitor, dict)
    return monitor


def results(monitor: Dict[str, Any], console: str) -> List[Tuple[str, str]]:
    """Returns what LAVA makes of a console that comes byte by byte. Its expressions are pexpect's: `.` is any
    character, the first match counts, and the end goes before a result."""
    found: List[Tuple[str, str]] = []
    start, end, result = (re.compile(monitor[key], re.DOTALL) for key in ("start", "end", "pattern"))
    buffer, started = "", False
    for character in console:
        buffer += character
        if not started:
            match = start.search(buffer)
            started = match is not None
        else:
            match = end.search(buffer)
            if match:
                return found
            match = result.search(buffer)
            if match:
                name = re.sub(r"\W+", "_", match["test_case_id"].strip().lower())
                found.append((name, monitor["fixupdict"].get(match["result"], match["result"])))
        buffer = buffer[match.end() :] if match else buffer
    raise AssertionError("the monitor found no end")


class LavaTest(unittest.TestCase):
    def test_lavas_schema_accepts_each_job(self) -> None:
        for name in JOBS:
            done = checked_job(job_text(name))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_lavas_schema_refuses_a_job_without_an_end(self) -> None:
        done = checked_job(job_text("qemu").replace(" end:", " ende:"))
        self.assertNotEqual(done.returncode, 0)

    def test_every_job_has_the_same_monitor(self) -> None:
        self.assertEqual(monitor_of("qemu"), monitor_of("u-boot"))

    def test_the_monitor_finds_each_result(self) -> None:
        for end in ("\n", "\r\n"):
            console = (BANNER + REPORT).replace("\n", end)
            self.assertEqual(
                results(monitor_of("qemu"), console),
                [
                    ("adds", "pass"),
                    ("wraps", "fail"),
                    ("divides", "skip"),
                    ("percpu", "fail"),
                    ("pages", "skip"),
                    ("numa", "skip"),
                ],
            )

    def test_the_monitor_finds_a_failure_in_each_bad_end(self) -> None:
        for console, wanted in ENDS.items():
            with self.subTest(console):
                self.assertEqual(
                    results(monitor_of("qemu"), (BANNER + console).replace("\n", "\r\n")), wanted
                )


if __name__ == "__main__":
    unittest.main()

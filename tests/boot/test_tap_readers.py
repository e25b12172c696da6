# SPDX-License-Identifier: BSD-2-Clause
"""Tests that readers of TAP which others have written agree with the kernel's verdict, on the console of each
kind of run. Exit code 77: a reader is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Dict

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from frontdoor import ktap  # noqa: E402  (the path has to be set first)
from frontdoor.requirements import TAP_READERS  # noqa: E402
from frontdoor.testing import skip_all  # noqa: E402
from matrix import BY_NAME  # noqa: E402
from row import Row  # noqa: E402

ROWS: Dict[str, Row] = {
    "passes": Row("passes", append="selftest=percpu.*"),
    "skips one": Row("skips_one", cpus=1, append="selftest=numa.*,percpu.*"),
    "skips all": BY_NAME["a_run_whose_tests_are_all_skipped_passes_as_its_report_does"],
    "fails": BY_NAME["a_failing_test_exits_1"],
    "fails and passes": Row("fails_and_passes", append="selftest=demo.fails,percpu.*", exit_code=1),
    "panics": BY_NAME["a_panic_exits_2"],
    "hangs": BY_NAME["a_hang_exits_3_with_every_cpus_backtrace"],
    "lists": BY_NAME["lists_its_tests"],
    "matches nothing": BY_NAME["a_glob_that_matches_no_test_exits_1"],
    "runs 0 times": Row("runs_0_times", append="selftest=percpu.* selftest.repeat=0"),
}
PERL = (
    "use TAP::Parser; local $/; my $reader = TAP::Parser->new({tap => <STDIN>}); $reader->run;"
    "print $reader->has_problems ? 'bad' : 'good'"
)
DEBIANS_MODULES = "/usr/share/nodejs"  # only Debian's own node looks there by itself


def setUpModule() -> None:
    """Skips all, and names what is missing."""
    missing = [reader.package for reader in TAP_READERS if not reader.present()]
    if missing:
        skip_all(f"{', '.join(missing)} is not installed; ./percival setup does that")


def console_of(row: Row) -> "subprocess.CompletedProcess[bytes]":
    """Boots the row's machine."""
    command = [str(ROOT / "percival"), "boot", "--no-build", *row.boot_arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)


def perl_accepts(console: bytes) -> bool:
    """Returns the verdict of Perl's TAP::Parser."""
    done = subprocess.run(["perl", "-e", PERL], input=console, stdout=subprocess.PIPE, check=True)
    return {b"good": True, b"bad": False}[done.stdout]


def node_accepts(console: bytes) -> bool:
    """Returns the verdict of npm's tap-parser."""
    environment = {**os.environ, "NODE_PATH": DEBIANS_MODULES}
    command = ["tap-parser", "-j", "0"]
    done = subprocess.run(command, input=console, stdout=subprocess.PIPE, env=environment, check=False)
    event, summary = json.loads(done.stdout)[-1]
    assert event == "complete", event
    return bool(summary["ok"])


class TapReadersTest(unittest.TestCase):
    def test_every_reader_agrees_with_the_verdict_of_each_kind_of_run(self) -> None:
        for name, row in ROWS.items():
            with self.subTest(name):
                done = console_of(row)
                lines = done.stdout.decode().splitlines()
                self.assertEqual(done.returncode, row.exit_code)
                passed = done.returncode == 0
                self.assertIn(ktap.VERSION, lines)
                self.assertEqual(perl_accepts(done.stdout), passed, "perl")
                self.assertEqual(node_accepts(done.stdout), passed, "node")
                report = ktap.read(lines)
                self.assertEqual(not report.failed, passed, "ktap.py")

    def test_a_report_that_is_cut_or_damaged_is_accepted_by_none(self) -> None:
        console = console_of(ROWS["skips one"]).stdout
        last = console.rindex(b"\nok ")
        for broken in (console[:last], console.replace(b"\nok 2", b"\nnot ok 2")):
            self.assertFalse(perl_accepts(broken))
            self.assertFalse(node_accepts(broken))
            self.assertNotEqual(ktap.read(broken.decode().splitlines()).errors, [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that skipped tests are reported by name, with the reason."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import support  # noqa: F401
import run_row
from frontdoor import foreign_packages, qemu_probe
from frontdoor.foreign_packages import KERNEL, U_BOOT_RPI
from frontdoor.testing import SKIP_MARK, skipped_self_tests, skipped_tests
from matrix import BY_NAME
from row import Row

JUNIT = f"""<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="x" tests="3" failures="0" disabled="0" skipped="2">
 <testcase name="boot.passes" status="run">
  <system-out>{SKIP_MARK}said by a test that ran</system-out></testcase>
 <testcase name="boot.new_cpu" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
  <system-out>$ percival boot
{SKIP_MARK}QEMU 7.2 has no CPU neoverse-v9
</system-out></testcase>
 <testcase name="boot.mute" status="notrun"><skipped message="x"/><system-out/></testcase>
</testsuite>
"""


class SkippedTest(unittest.TestCase):
    def test_skipped_tests_are_found_with_their_reasons(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            junit = Path(name) / "junit.xml"
            self.assertEqual(skipped_tests(junit), [])
            junit.write_text(JUNIT)
            self.assertEqual(
                skipped_tests(junit),
                [("boot.new_cpu", "QEMU 7.2 has no CPU neoverse-v9"), ("boot.mute", "no reason given")],
            )

    def test_self_tests_that_no_row_has_run_are_found_with_their_reasons(self) -> None:
        def console(first: str, second: str) -> str:
            tests = f"  KTAP version 1\n  1..2\n  ok 1 first{first}\n  ok 2 second{second}\n"
            return f"KTAP version 1\n1..1\n{tests}ok 1 suite\n"

        rows = (console(" # SKIP no CPU", " # SKIP no RAM"), console(" # SKIP no CPU", ""))
        cases = "".join(
            f'<testcase name="boot.{number}"><system-out>{text}</system-out></testcase>'
            for number, text in enumerate(rows)
        )
        with tempfile.TemporaryDirectory() as name:
            junit = Path(name) / "junit.xml"
            self.assertEqual(skipped_self_tests(junit), [])
            junit.write_text(f"<testsuite>{cases}</testsuite>")
            self.assertEqual(skipped_self_tests(junit), [("suite.first", "no CPU")])

    def test_a_row_with_a_cpu_that_qemu_does_not_know_is_skipped_with_a_reason(self) -> None:
        with mock.patch.object(qemu_probe, "cpu_models", lambda: frozenset({"max"})):
            self.assertEqual(run_row.reason_to_skip(Row("x", cpu="max")), "")
            self.assertIn("cortex-a53", run_row.reason_to_skip(Row("x", cpu="cortex-a53")))

    def test_a_row_that_needs_a_package_which_is_not_here_is_skipped_by_its_name(self) -> None:
        nowhere = Path("/nonexistent")
        of_board = BY_NAME["passes_on_raspi4b"]
        through_u_boot = BY_NAME["passes_on_raspi4b_with_u_boot"]
        with mock.patch.object(
            qemu_probe, "machines", lambda: frozenset({"raspi4b", "virt"})
        ), mock.patch.object(qemu_probe, "cpu_models", lambda: frozenset({"cortex-a72"})):
            with mock.patch.object(foreign_packages, "KERNEL", replace(KERNEL, directory=nowhere)):
                self.assertIn("linux-image-arm64", run_row.reason_to_skip(of_board))
                given = replace(of_board, tree="raspi4b.dts")
                self.assertEqual(run_row.reason_to_skip(given), "")
            with mock.patch.object(foreign_packages, "KERNEL", replace(KERNEL, needs=())), mock.patch.object(
                foreign_packages, "U_BOOT_RPI", replace(U_BOOT_RPI, directory=nowhere)
            ):
                self.assertEqual(run_row.reason_to_skip(of_board), "")
                self.assertIn("u-boot-rpi", run_row.reason_to_skip(through_u_boot))
                self.assertIn(
                    "u-boot-rpi", run_row.reason_to_skip(BY_NAME["the_card_of_rpi4_passes_on_raspi4b"])
                )


if __name__ == "__main__":
    unittest.main()

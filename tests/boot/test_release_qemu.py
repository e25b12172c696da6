# SPDX-License-Identifier: BSD-2-Clause
"""Boots rows of the matrix in the QEMU of the Debian release, where a newer one is installed. Exit code 77:
it is the installed one, or it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from frontdoor import qemu_probe  # noqa: E402  (the path has to be set first)
from frontdoor.foreign_packages import release_qemu  # noqa: E402
from frontdoor.qemu_probe import PROGRAM  # noqa: E402
from frontdoor.testing import skip_all  # noqa: E402

PACKAGE = release_qemu()
DIRECTORY = PACKAGE.directory / "usr/bin"


def setUpModule() -> None:
    """Skips all if the program is not there, does not run, or is not older."""
    if not PACKAGE.present():
        skip_all(str(PACKAGE.missing("./percival test fetches it")))
    program = [str(DIRECTORY / PROGRAM), "--version"]
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip_all(f"{DIRECTORY / PROGRAM} does not run here: {done.stderr.strip()}")
    if qemu_probe.parse_version(done.stdout) == qemu_probe.installed_version():
        skip_all("the installed QEMU is that of the release")


class ReleaseQemu(unittest.TestCase):
    def passes(self, row: str) -> None:
        """Runs the row in that QEMU."""
        path = f"{DIRECTORY}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, str(ROOT / "tests/boot/run_row.py"), row]
        environment = {**os.environ, "PATH": path}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 0)

    def test_every_self_test_passes_on_the_default_machine(self) -> None:
        self.passes("passes_on_the_default_machine")

    def test_a_kernel_stays_at_el2(self) -> None:
        self.passes("passes_at_el2_on_neoverse-n1_with_gicv2")

    def test_edk2_starts_the_kernel_with_acpi_tables(self) -> None:
        self.passes("passes_through_edk2_on_one_cpu")

    def test_a_raspberry_pi_and_a_zcu102_start(self) -> None:
        self.passes("a_panic_on_raspi3b_exits_2")
        self.passes("a_panic_on_xlnx_zcu102_exits_2")


if __name__ == "__main__":
    unittest.main()

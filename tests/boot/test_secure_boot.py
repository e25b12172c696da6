# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the Image can be signed for Secure Boot, and that firmware which demands a signature refuses it
without. The firmware is Debian's EDK2 with a key whose private half is public. Exit code 77:
something is not installed."""

import io
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from frontdoor import console, disk_image, foreign_packages, qemu  # noqa: E402  (the path is set first)
from frontdoor.machine import Machine  # noqa: E402
from frontdoor.paths import image  # noqa: E402
from frontdoor.requirements import SIGNING  # noqa: E402
from frontdoor.testing import skip_all  # noqa: E402
from frontdoor.uefi_media import STARTED_BY_FIRMWARE  # noqa: E402

SHARED = foreign_packages.EDK2.directory / "usr" / "share"
CODE = SHARED / "AAVMF" / "AAVMF_CODE.fd"
WITH_THE_KEY = SHARED / "AAVMF" / "AAVMF_VARS.snakeoil.fd"
SECRET = SHARED / "qemu-efi-aarch64" / "PkKek-1-snakeoil.key"
CERTIFICATE = SECRET.with_suffix(".pem")
PASSWORD = "snakeoil"
# Ends a machine that has stopped for any reason. No test depends on how long this is.
LIMIT_S = 300.0


def setUpModule() -> None:
    """Skips all, and names what is missing."""
    missing = [need.package for need in SIGNING if not need.present()]
    missing += [path.name for path in (CODE, WITH_THE_KEY, SECRET, CERTIFICATE) if not path.is_file()]
    if missing:
        skip_all(f"{', '.join(missing)} is not there; ./percival test installs it")


class SecureBoot(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="percival-test-")
        self.addCleanup(holder.cleanup)
        self.at = Path(holder.name)
        self.signed = self.at / "signed"
        key = self.at / "key.pem"
        password = f"pass:{PASSWORD}"
        self.run_tool("openssl", "rsa", "-in", str(SECRET), "-passin", password, "-out", str(key))
        sign = ("sbsign", "--key", str(key), "--cert", str(CERTIFICATE), "--output", str(self.signed))
        self.run_tool(*sign, str(image("4k-48")))

    def run_tool(self, *command: str) -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def accepts(self, file: Path) -> bool:
        """Returns whether the signature of a file is the key's."""
        command = ["sbverify", "--cert", str(CERTIFICATE), str(file)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def disks(self, *applications: Path) -> List[str]:
        """Makes a disk with each application; returns QEMU's options for them. Firmware tries them in this
        order."""
        options = []
        for number, application in enumerate(applications):
            disk = self.at / f"disk{number}.img"
            disk_image.make_with_gpt(disk, {STARTED_BY_FIRMWARE: application})
            options += ["-drive", f"if=none,id=disk{number},format=raw,file={disk}"]
            options += ["-device", f"virtio-blk-pci,drive=disk{number},bootindex={number}"]
        return options

    def console(self, *options: str, until: str) -> List[str]:
        """Returns what the machine says until it says that text."""
        flash = f"if=pflash,format=raw,file={CODE},readonly=on"
        variables = f"if=pflash,format=raw,file={WITH_THE_KEY},snapshot=on"
        command = qemu.command(
            Machine(machine="virt,acpi=off"), ["-drive", flash, "-drive", variables, *options]
        )
        lines: List[str] = []
        with console.started(command, subprocess.PIPE) as machine:
            assert machine.stdout is not None
            limit = threading.Timer(LIMIT_S, machine.kill)
            limit.start()
            with io.TextIOWrapper(machine.stdout, errors="replace") as text:
                for line in text:
                    print(line, end="")
                    lines.append(line.strip())
                    if until in line:
                        break
            limit.cancel()
        return lines

    def test_the_signed_image_is_accepted_and_one_that_has_changed_is_not(self) -> None:
        self.assertTrue(self.accepts(self.signed))
        self.assertFalse(self.accepts(image("4k-48")))
        content = bytearray(self.signed.read_bytes())
        content[len(content) // 2] ^= 1
        changed = self.at / "changed"
        changed.write_bytes(content)
        self.assertFalse(self.accepts(changed))

    def test_firmware_refuses_the_image_unsigned_and_starts_it_signed(self) -> None:
        disks = self.disks(image("4k-48"), self.signed)
        lines = self.console(*disks, until="machine: started by UEFI")
        refusals = [at for at, line in enumerate(lines) if line.endswith(": Access Denied")]
        starts = [at for at, line in enumerate(lines) if "BdsDxe: starting " in line]
        self.assertEqual((len(refusals), len(starts)), (1, 1))
        self.assertLess(refusals[0], starts[0])
        self.assertIn("machine: started by UEFI", lines[-1])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests what `percival image --board uefi` makes, by other programs' readers of partition tables and ISO
images."""

import re
import subprocess
import unittest
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Dict, Set
from unittest import mock

from support import TreeTestCase
from test_image import KERNEL, ImageTestCase
from frontdoor import fat, foreign_packages, grub, image_boards, partition_tables
from frontdoor.disk_image import PARTITION_AT
from frontdoor.errors import EXIT_UNAVAILABLE, EXIT_USAGE
from frontdoor.image_boards import UefiBoard
from frontdoor.requirements import REQUIREMENTS

SGDISK = next(need.files[0] for need in REQUIREMENTS if need.package == "gdisk")
GRUB_CONTENT = b"GRUB" * 5000
DIRECT = {"EFI/BOOT/BOOTAA64.EFI"}
THROUGH_GRUB = DIRECT | {"EFI/debian/grub.cfg", "Image"}


def output(*command: "str | Path") -> str:
    """Returns what a program says."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class UefiTestCase(ImageTestCase):
    """A test with a "GRUB"."""

    def setUp(self) -> None:
        super().setUp()
        package = replace(foreign_packages.GRUB, directory=self.state / "grub")
        stack = ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(mock.patch.object(foreign_packages, "GRUB", package))
        board = UefiBoard("any", packages=(package,))
        stack.enter_context(mock.patch.dict(image_boards.BOARDS, uefi=board))
        grub.application().parent.mkdir(parents=True)
        grub.application().write_bytes(GRUB_CONTENT)

    @property
    def disk(self) -> Path:
        return self.out / "uefi.img"

    @property
    def iso(self) -> Path:
        return self.out / "uefi.iso"

    def in_iso(self) -> Set[str]:
        """Returns the paths of the files of the ISO file system."""
        found = output("isoinfo", "-R", "-f", "-i", self.iso).splitlines()
        return {path[1:] for path in found if path not in ("/EFI", "/EFI/BOOT", "/EFI/debian")}

    def started_by_cd(self) -> int:
        """Returns where on the CD-ROM the partition is that firmware starts from, in bytes."""
        said = output("isoinfo", "-d", "-i", self.iso)
        self.assertIn("Bootid 88 (bootable)", said)
        self.assertIn("Boot media 0 (No Emulation Boot)", said)
        self.assertRegex(said, r"Arch 239 ")  # EFI
        place = re.search(r"Bootoff \w+ (\d+)", said)
        assert place is not None
        return int(place[1]) * 2048

    def in_partition(self, image: Path, at: int) -> Set[str]:
        """Returns the paths of the files in a FAT file system."""
        lines = output("mdir", "-i", f"{image}@@{at}", "-/", "-b", "::").splitlines()
        return {line[len("::/") :] for line in lines if not line.endswith("/")}


class DiskTest(UefiTestCase):
    def test_the_partition_table_has_one_efi_system_partition_and_no_problem(self) -> None:
        self.image("uefi")
        self.assertIn("No problems found", output(SGDISK, "--verify", self.disk))
        partition = output(SGDISK, "--info=1", self.disk)
        self.assertIn("C12A7328-F81F-11D2-BA4B-00A0C93EC93B (EFI system partition)", partition)
        self.assertIn(f"First sector: {PARTITION_AT // fat.SECTOR} ", partition)
        self.assertIn("Partition name: 'Percival'", partition)
        table = output(SGDISK, "--print", self.disk)
        self.assertRegex(table, r"\n   1 .* EF00  Percival\n")
        self.assertNotRegex(table, r"\n   2 ")

    def test_the_copy_of_the_partition_table_is_whole(self) -> None:
        self.image("uefi")
        with self.disk.open("r+b") as file:
            file.seek(fat.SECTOR)
            file.write(bytes(fat.SECTOR))
        # Asks whether the copy is to be used.
        done = subprocess.run(
            [SGDISK, "--print", self.disk], check=False, capture_output=True, text=True, input=""
        )
        self.assertIn("invalid main GPT header, but valid backup", done.stdout + done.stderr)

    def test_a_partition_that_does_not_fit_between_the_tables_is_refused(self) -> None:
        disk = 64 << 20
        behind = fat.SECTOR * partition_tables.GPT_SECTORS
        partition_tables.gpt(disk, 1 << 20, disk - (1 << 20) - behind, "x", b"")
        for at, size in ((1 << 20, disk - (1 << 20)), (fat.SECTOR, 1 << 20), (1 << 20, 0)):
            with self.assertRaises(ValueError):
                partition_tables.gpt(disk, at, size, "x", b"")

    def test_disks_with_different_files_have_different_guids(self) -> None:
        guid = re.compile(r"(?:Disk identifier \(GUID\)|unique GUID): ([0-9A-F-]{36})")
        found = set()
        for arguments in ((), ("--append", "a"), ("--append", "b")):
            self.image("uefi", *arguments)
            said = output(SGDISK, "--print", "--info=1", self.disk)
            found |= set(guid.findall(said))
        self.assertEqual(len(found), 2 * 3)


class FilesTest(UefiTestCase):
    def test_without_boot_arguments_firmware_starts_the_kernel_itself(self) -> None:
        grub.application().unlink()  # nothing else is needed
        self.image("uefi")
        self.assertEqual(self.on_card("uefi"), DIRECT)
        self.assertEqual(self.mtools("mtype", "uefi", "::/EFI/BOOT/BOOTAA64.EFI"), KERNEL)
        self.assertEqual((self.out / "esp" / "EFI/BOOT/BOOTAA64.EFI").read_bytes(), KERNEL)
        self.assertEqual(self.in_partition(self.iso, self.started_by_cd()), DIRECT)

    def test_with_boot_arguments_firmware_starts_grub_and_grub_gives_them_to_the_kernel(self) -> None:
        self.image("uefi", "--append", "selftest=roots.*;x", "--append", "$y")
        self.assertEqual(self.on_card("uefi"), THROUGH_GRUB)
        self.assertEqual(self.mtools("mtype", "uefi", "::/EFI/BOOT/BOOTAA64.EFI"), GRUB_CONTENT)
        self.assertEqual(self.mtools("mtype", "uefi", "::/Image"), KERNEL)
        line = "  linux /Image 'selftest=roots.*;x' '$y' 'verdict=poweroff'"
        self.assertIn(line, self.text("uefi", "EFI/debian/grub.cfg"))

    def test_a_cd_rom_has_the_files_for_firmware_and_for_grub(self) -> None:
        self.image("uefi", "--append", "percpu=auto")
        self.assertEqual(self.in_partition(self.iso, self.started_by_cd()), THROUGH_GRUB)
        self.assertEqual(self.in_iso() - {"boot.catalog"}, THROUGH_GRUB)
        copy = subprocess.run(
            ["isoinfo", "-R", "-x", "/Image", "-i", self.iso], check=True, capture_output=True
        )
        self.assertEqual(copy.stdout, KERNEL)

    def test_an_iso_image_is_the_image_of_a_disk_too(self) -> None:
        self.image("uefi")
        self.assertIn("No problems found", output(SGDISK, "--verify", self.iso))
        partition = output(SGDISK, "--info=2", self.iso)
        self.assertIn("(EFI system partition)", partition)
        self.assertIn(f"First sector: {self.started_by_cd() // fat.SECTOR} ", partition)

    def test_equal_builds_make_equal_images(self) -> None:
        dated: Dict[str, str] = {"SOURCE_DATE_EPOCH": "1700000000"}
        undated: Dict[str, str] = {}
        other = self.state / "other"
        for env in (undated, dated):
            self.image("uefi", "--append", "percpu=auto", env=env)
            (self.tree / "build" / "4k-48" / "Image").touch()
            self.image("uefi", "--append", "percpu=auto", out=other, env={"TZ": "Asia/Tokyo", **env})
            for name in ("uefi.img", "uefi.iso", "percival-uefi.tar.gz"):
                self.assertEqual((self.out / name).read_bytes(), (other / name).read_bytes(), name)
            listing = output("isoinfo", "-R", "-l", "-i", self.iso)
            self.assertIn("Nov 14 2023" if env else "Jan  1 1980", listing)

    def test_an_archive_says_how_to_start_the_kernel_by_hand(self) -> None:
        self.image("uefi", "--append", "percpu=auto")
        text = self.archived("uefi")["percival-uefi/README.txt"].decode()
        self.assertIn("\n    Image percpu=auto verdict=poweroff\n", text)
        self.assertIn("  linux /boot/Image 'percpu=auto' 'verdict=poweroff'\n", text)
        self.assertNotIn("booti", text)
        self.assertIn("\nboot/ ", text)

    def test_without_boot_arguments_an_archive_tells_of_no_files_that_it_has_not(self) -> None:
        self.image("uefi")
        files = self.archived("uefi")
        self.assertFalse([name for name in files if "/boot/" in name])
        lines = files["percival-uefi/README.txt"].decode().splitlines()
        self.assertFalse([line for line in lines if line.startswith("boot/") or "beside" in line])
        self.assertIn("    Image", lines)
        self.assertEqual([line for line in lines if line != line.rstrip()], [])


class RefusalTest(UefiTestCase):
    def test_arguments_that_grub_would_change_are_refused(self) -> None:
        for word in ("selftest='*'", 'a="b"', "a\\b"):
            self.assertIn("through GRUB", self.image("uefi", "--append", word, code=EXIT_USAGE))
        self.assertIn("Raspberry Pis", self.image("uefi", "--uart", "mini", code=EXIT_USAGE))
        self.assertFalse(self.out.exists())

    def test_a_missing_grub_is_named_and_a_failing_tool_leaves_nothing(self) -> None:
        xorriso = self.state.parent / "bin" / "xorriso"
        xorriso.write_text("#!/bin/sh\necho 'Disk full' >&2\nexit 1\n")
        xorriso.chmod(0o755)
        path = {"PATH": self.environment["PATH"]}
        said = self.image("uefi", code=EXIT_UNAVAILABLE, env=path)
        self.assertIn("xorriso: Disk full", said)
        self.assertEqual(list(self.out.iterdir()), [])
        grub.application().unlink()
        said = self.image("uefi", "--append", "percpu=auto", code=EXIT_UNAVAILABLE)
        self.assertIn("grub-efi-arm64-bin", said)


class BootTest(TreeTestCase):
    def setUp(self) -> None:
        super().setUp()
        firmware = self.tree / "build/foreign/qemu-efi-aarch64/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
        firmware.parent.mkdir(parents=True)
        firmware.touch()
        self.card = self.state / "card"

    def qemu_options(self, content: bytes) -> str:
        """Boots a card through EDK2; returns QEMU's arguments."""
        self.card.write_bytes(content)
        done = self.run_percival("boot", "--no-build", "--loader", "edk2", "--card", str(self.card))
        self.assertEqual(done.returncode, 0, done.stderr)
        return " ".join(self.qemu_arguments())

    def test_edk2_boots_a_disk_as_a_usb_stick_and_an_iso_image_as_a_cd_rom(self) -> None:
        drive = f"-drive if=none,id=disk,format=raw,file={self.card},snapshot=on -device"
        disk = self.qemu_options(bytes(0x9000))
        self.assertIn(f"-device qemu-xhci {drive} usb-storage,drive=disk", disk)
        iso = self.qemu_options(bytes(0x8001) + b"CD001" + bytes(100))
        self.assertIn(f"-device virtio-scsi-pci {drive} scsi-cd,drive=disk", iso)
        for options in (disk, iso):
            self.assertIn("/QEMU_EFI.fd", options)
            self.assertNotIn("-kernel", options)


if __name__ == "__main__":
    unittest.main()

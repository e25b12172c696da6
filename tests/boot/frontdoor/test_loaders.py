# SPDX-License-Identifier: BSD-2-Clause
"""Tests that U-Boot, EDK2 and GRUB get the kernel and its arguments from what the front door makes for
them."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Sequence
from unittest import mock

from support import TreeTestCase
from frontdoor import disk_image, foreign_packages, grub, loaders, qemu, u_boot_files
from frontdoor.errors import EXIT_UNAVAILABLE, EXIT_USAGE, Unavailable, UsageError
from frontdoor.loaders import (
    EDK2,
    EXTLINUX,
    GRUB,
    GRUB_CHAIN,
    GRUB_DEVICETREE,
    NETWORK,
    SCRIPT,
    THROUGH_GRUB,
    U_BOOT_UEFI,
)
from frontdoor.machine import Machine, of_board

KERNEL = bytes(range(256)) * 4096
EXTRA = ("-device", "virtio-net-device")


class WithDirectory(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="percival-test-")
        self.addCleanup(holder.cleanup)
        self.at = Path(holder.name)

    def content(self, image: Path, name: str) -> bytes:
        """Returns a file of the image's partition."""
        command = ["mtype", "-i", f"{image}@@{disk_image.PARTITION_AT}", f"::/{name}"]
        return subprocess.run(command, capture_output=True, check=True).stdout


class DiskImageTest(WithDirectory):
    def test_the_files_are_in_a_bootable_fat32_partition(self) -> None:
        image = self.at / "disk.img"
        source = self.at / "Image"
        source.write_bytes(KERNEL)
        disk_image.make(image, {"Image": source, "a/b/c.conf": b"text\n", "a/d": b""})
        self.assertEqual(self.content(image, "Image"), KERNEL)
        self.assertEqual(self.content(image, "a/b/c.conf"), b"text\n")
        data = image.read_bytes()
        self.assertEqual(len(data), disk_image.SMALLEST)
        self.assertEqual(data[510:512], b"\x55\xaa")
        entry = data[446:462]
        self.assertEqual((entry[0], entry[4]), (0x80, 0x0C))
        first, sectors = (int.from_bytes(entry[at : at + 4], "little") for at in (8, 12))
        self.assertEqual(first * 512, disk_image.PARTITION_AT)
        self.assertEqual((first + sectors) * 512, len(data))
        self.assertEqual(data[first * 512 + 82 : first * 512 + 90], b"FAT32   ")

    def test_an_image_is_a_power_of_two_that_holds_its_files(self) -> None:
        for contents in (0, 1 << 20, 60 << 20, 200 << 20):
            size = disk_image.size_for(contents)
            self.assertEqual(size & (size - 1), 0)
            self.assertGreater(size, disk_image.PARTITION_AT + contents)

    def test_a_failure_is_said_and_leaves_no_image(self) -> None:
        image = self.at / "disk.img"
        with self.assertRaisesRegex(Unavailable, "mcopy: "):
            disk_image.make(image, {"x:": b""})
        with mock.patch.dict("os.environ", {"PATH": str(self.at)}):
            with self.assertRaisesRegex(Unavailable, "mformat cannot be run .*percival setup installs it"):
                disk_image.make(image, {})
        self.assertEqual(list(self.at.iterdir()), [])


class OptionsTest(WithDirectory):
    def options(self, loader: "str | None", machine: Machine) -> str:
        kernel = self.at / "Image"
        kernel.write_bytes(KERNEL)
        return " ".join(loaders.qemu_options(loader, machine, kernel, "a=b c", self.at, extra=EXTRA))

    def test_without_a_loader_qemu_starts_the_kernel(self) -> None:
        self.assertEqual(self.options(None, Machine()), f"-kernel {self.at}/Image -append a=b c")

    def test_each_loader_finds_the_kernel_and_its_arguments(self) -> None:
        options = self.options(EXTLINUX, Machine())
        self.assertRegex(options, r"^-bios \S+/qemu_arm64/u-boot.bin -drive if=none,.*virtio-blk-device")
        disk = self.at / "disk.img"
        self.assertEqual(self.content(disk, "Image"), KERNEL)
        self.assertIn(b"\n  APPEND a=b c\n", self.content(disk, "extlinux/extlinux.conf"))
        self.options(SCRIPT, Machine())
        script = self.content(disk, u_boot_files.SCRIPT_NAME)
        self.assertIn(b"bootargs 'a=b c'\nload ", script)
        self.assertTrue(script.endswith(b"\nreset\n"))
        self.assertIn(f"tftp={self.at}/tftp", self.options(NETWORK, Machine()))
        self.assertEqual((self.at / "tftp" / "Image").read_bytes(), KERNEL)
        self.assertIn(b"\ntftpboot ", (self.at / "tftp" / u_boot_files.SCRIPT_NAME).read_bytes())

    def test_u_boot_starts_a_uefi_application_if_asked(self) -> None:
        self.options(U_BOOT_UEFI, Machine())
        script = self.content(self.at / "disk.img", u_boot_files.SCRIPT_NAME)
        self.assertIn(b"\nbootefi ${kernel_addr_r} ${percival_tree}\n", script)
        self.assertNotIn(b"booti ", script)

    def test_edk2_gets_the_kernel_from_qemu(self) -> None:
        options = self.options(EDK2, Machine())
        self.assertRegex(options, rf"^-bios \S+/QEMU_EFI.fd -kernel {self.at}/Image -append a=b c$")

    def write_tree(self, machine: Machine, tree: Path, *, extra: Sequence[str]) -> None:
        """Stands for QEMU's function: the "tree" has the further options in it."""
        tree.write_text(" ".join(extra))

    def grub_configuration(self, loader: str) -> str:
        """Returns what GRUB is told on the loader's disk."""
        application = self.at / "grub"
        application.write_bytes(b"GRUB")
        with mock.patch.object(grub, "application", lambda: application), mock.patch.object(
            qemu, "write_tree", self.write_tree
        ):
            options = self.options(loader, Machine())
        self.assertRegex(options, r"^-bios \S+/QEMU_EFI.fd .*-drive if=none,.*virtio-blk-device")
        self.assertNotIn("-kernel", options)
        disk = self.at / "disk.img"
        self.assertEqual(self.content(disk, "Image"), KERNEL)
        self.assertEqual(self.content(disk, "EFI/BOOT/BOOTAA64.EFI"), b"GRUB")
        return self.content(disk, "EFI/debian/grub.cfg").decode()

    def test_grub_starts_the_kernel_in_each_way_and_resets_the_machine_if_it_cannot(self) -> None:
        linux = "linux /Image 'a=b' 'c'\nboot\nreboot\n"
        self.assertEqual(self.grub_configuration(GRUB), linux)
        self.assertEqual(self.grub_configuration(GRUB_CHAIN), "chainloader /Image 'a=b' 'c'\nboot\nreboot\n")
        self.assertEqual(self.grub_configuration(GRUB_DEVICETREE), f"devicetree /own.dtb\n{linux}")

    def test_the_tree_from_grub_has_the_devices_of_qemus_further_options(self) -> None:
        self.grub_configuration(GRUB_DEVICETREE)
        self.assertEqual(self.content(self.at / "disk.img", "own.dtb").decode(), " ".join(EXTRA))

    def test_a_loader_needs_its_firmware_and_itself(self) -> None:
        edk2, of_grub = foreign_packages.EDK2, foreign_packages.GRUB
        self.assertEqual(loaders.packages_of(EDK2, Machine()), (edk2,))
        for loader in THROUGH_GRUB:
            self.assertEqual(loaders.packages_of(loader, Machine()), (edk2, of_grub))
        self.assertEqual(loaders.packages_of(SCRIPT, Machine()), (foreign_packages.U_BOOT_QEMU,))

    def test_a_raspberry_pi_has_its_uboot_in_place_of_a_kernel_and_a_card(self) -> None:
        options = self.options(EXTLINUX, of_board("raspi4b", None, None, None))
        self.assertRegex(options, r"^-kernel \S+/rpi_4/u-boot.bin -drive if=sd,")

    def test_what_uboot_cannot_do_is_refused(self) -> None:
        pi = of_board("raspi3b", None, None, None)
        loaders.check(EXTLINUX, pi, "a")
        loaders.check(EXTLINUX, Machine(cpus=1, machine="virt,secure=on,virtualization=on"), "a")
        for loader, machine, arguments in (
            (NETWORK, pi, "a"),
            (EXTLINUX, of_board("imx8mp-evk", None, None, None), "a"),
            (EDK2, pi, "a"),
            (EDK2, Machine(machine="sbsa-ref"), "a"),
            (GRUB, pi, "a"),
            (GRUB, Machine(), "a='b'"),
            (GRUB_CHAIN, Machine(), 'a="b"'),
            (GRUB_DEVICETREE, Machine(), "a\\b"),
            (EXTLINUX, Machine(machine="sbsa-ref"), "a"),
            (EXTLINUX, Machine(cpus=1, machine="virt,secure=on"), "a"),
            (EXTLINUX, Machine(machine="virt,secure=on,virtualization=on"), "a"),
            (SCRIPT, Machine(), "a='b'"),
            (SCRIPT, Machine(), "${x}"),
        ):
            with self.assertRaisesRegex(UsageError, "--loader|through (U-Boot|GRUB)"):
                loaders.check(loader, machine, arguments)

    def test_any_arguments_get_through_edk2(self) -> None:
        loaders.check(EDK2, Machine(), "a='$;'")

    def test_grub_passes_on_what_is_not_a_quote(self) -> None:
        loaders.check(GRUB, Machine(), "a=$b;{c}#*")


class CommandTest(TreeTestCase):
    def test_a_loader_reaches_qemu_and_a_missing_one_is_named(self) -> None:
        boot = ("boot", "--no-build", "--loader", EXTLINUX)
        done = self.run_percival(*boot)
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE)
        self.assertIn("u-boot-qemu", done.stderr)
        u_boot = self.tree / "build/foreign/u-boot-qemu/usr/lib/u-boot/qemu_arm64/u-boot.bin"
        u_boot.parent.mkdir(parents=True)
        u_boot.touch()
        self.assertEqual(self.run_percival(*boot).returncode, 0)
        self.assertIn("-bios", self.qemu_arguments())
        self.assertNotIn("-kernel", self.qemu_arguments())

    def test_a_wrong_loader_is_a_usage_error(self) -> None:
        for wrong in (("--loader", "lilo"), ("--loader", EXTLINUX, "--machine", "imx8mp-evk")):
            self.assertEqual(self.run_percival("boot", "--no-build", *wrong).returncode, EXIT_USAGE)


if __name__ == "__main__":
    unittest.main()

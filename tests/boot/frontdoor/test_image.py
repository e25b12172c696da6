# SPDX-License-Identifier: BSD-2-Clause
"""Tests `percival image`: what lies on the cards, on the server and in the archive, and what is refused."""

import io
import os
import subprocess
import tarfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from typing import Dict, List, Optional, Set
from unittest import mock

from support import TreeTestCase
from frontdoor import cli, paths
from frontdoor.disk_image import PARTITION_AT
from frontdoor.errors import EXIT_UNAVAILABLE, EXIT_USAGE

KERNEL = bytes(range(256)) * 512
FIRMWARE = (
    *("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat", "start_cd.elf"),
    *("bcm2710-rpi-3-b.dtb", "bcm2711-rpi-4-b.dtb", "bcm2712-rpi-5-b.dtb"),
    *("overlays/disable-bt.dtbo", "overlays/bcm2712d0.dtbo", "overlays/vc4.dtbo"),
)


class ImageTestCase(TreeTestCase):
    """A test with a built "kernel" and a directory with "firmware"."""

    def setUp(self) -> None:
        super().setUp()
        build = self.tree / "build" / "4k-48"
        (build / "Image").write_bytes(KERNEL)
        (build / "percival.elf").write_bytes(b"elf")
        (build / "percival.map").write_bytes(b"map")
        clean = mock.patch.dict(os.environ)
        clean.start()
        self.addCleanup(clean.stop)
        os.environ.pop("SOURCE_DATE_EPOCH", None)
        self.firmware = self.state / "firmware"
        for name in FIRMWARE:
            self.add_firmware(name)
        self.out = self.state / "out"

    def add_firmware(self, name: str) -> None:
        """Adds a file whose content is its name."""
        path = self.firmware / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    def image(
        self,
        board: str,
        *arguments: str,
        out: Optional[Path] = None,
        code: int = 0,
        env: Optional[Dict[str, str]] = None,
    ) -> str:
        """Runs the command, checks its exit code, and returns what it says."""
        command = ("image", "--no-build", "--board", board, "--out", str(out or self.out), *arguments)
        said = io.StringIO()
        with mock.patch.object(paths, "BUILD", self.tree / "build"), mock.patch.dict(os.environ, env or {}):
            with redirect_stderr(said):
                got = cli.main(command)
        self.assertEqual(got, code, said.getvalue())
        return said.getvalue()

    def pi(self, board: str, *arguments: str, code: int = 0) -> str:
        """Makes a card of a Raspberry Pi from the firmware in the directory."""
        return self.image(board, "--firmware", str(self.firmware), *arguments, code=code)

    def mtools(self, tool: str, board: str, *arguments: str) -> bytes:
        image = f"{self.out / board}.img@@{PARTITION_AT}"
        return subprocess.run([tool, "-i", image, *arguments], check=True, capture_output=True).stdout

    def on_card(self, board: str) -> Set[str]:
        """Returns the paths of the files in the card's image."""
        lines = self.mtools("mdir", board, "-/", "-b", "::").decode().splitlines()
        return {line[len("::/") :] for line in lines if not line.endswith("/")}

    def text(self, board: str, name: str) -> List[str]:
        """Returns the lines of a file in the card's image."""
        return self.mtools("mtype", board, f"::/{name}").decode().splitlines()

    def archived(self, board: str) -> Dict[str, bytes]:
        """Returns the contents of the archive."""
        with tarfile.open(self.out / f"percival-{board}.tar.gz") as tar:
            return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


class RaspberryPiTest(ImageTestCase):
    def test_a_card_has_what_the_firmware_needs_and_nothing_else(self) -> None:
        ours = {"config.txt", "cmdline.txt", "extlinux/extlinux.conf"}
        for board, files in (
            ("rpi3", {"bootcode.bin", "start.elf", "fixup.dat", "kernel8.img", "bcm2710-rpi-3-b.dtb"}),
            ("rpi4", {"start4.elf", "fixup4.dat", "kernel8.img", "bcm2711-rpi-4-b.dtb"}),
            ("rpi5", {"kernel_2712.img", "bcm2712-rpi-5-b.dtb", "overlays/bcm2712d0.dtbo"}),
        ):
            self.pi(board)
            self.assertEqual(self.on_card(board), ours | files, board)

    def test_the_firmware_loads_the_kernel_under_the_name_that_config_txt_has(self) -> None:
        for board, name in (("rpi3", "kernel8.img"), ("rpi4", "kernel8.img"), ("rpi5", "kernel_2712.img")):
            self.pi(board)
            self.assertIn(f"kernel={name}", self.text(board, "config.txt"))
            self.assertEqual(self.mtools("mtype", board, f"::/{name}"), KERNEL)

    def test_config_txt_makes_the_firmware_start_a_kernel_of_64_bits_that_is_not_linux(self) -> None:
        for board, lines in (
            ("rpi3", {"arm_64bit=1", "kernel_address=0x200000", "enable_uart=1"}),
            ("rpi4", {"arm_64bit=1", "kernel_address=0x200000", "enable_uart=1"}),
            ("rpi5", {"os_check=0", "enable_uart=1"}),
        ):
            self.pi(board)
            self.assertLessEqual(lines, set(self.text(board, "config.txt")), board)

    def test_the_console_is_the_mini_uart_unless_the_pl011_is_taken_from_bluetooth(self) -> None:
        self.pi("rpi4")
        self.assertNotIn("dtoverlay=disable-bt", self.text("rpi4", "config.txt"))
        self.pi("rpi4", "--uart", "pl011")
        self.assertIn("dtoverlay=disable-bt", self.text("rpi4", "config.txt"))
        self.assertIn("overlays/disable-bt.dtbo", self.on_card("rpi4"))

    def test_what_the_firmware_lacks_is_named_and_nothing_is_made(self) -> None:
        for board, name, arguments in (
            ("rpi3", "bootcode.bin", ()),
            ("rpi4", "start4.elf", ()),
            ("rpi4", "overlays/disable-bt.dtbo", ("--uart", "pl011")),
            ("rpi5", "bcm2712-rpi-5-b.dtb", ()),
        ):
            (self.firmware / name).unlink()
            said = self.pi(board, *arguments, code=EXIT_USAGE)
            self.assertIn("bcm2712*-rpi-*.dtb" if name.endswith(".dtb") else name, said)
            self.assertFalse(self.out.exists())

    def test_without_a_directory_the_packages_of_debian_are_needed(self) -> None:
        done = self.run_percival("image", "--no-build", "--board", "rpi4")
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE, done.stderr)
        self.assertIn("raspi-firmware", done.stderr)

    def test_trees_with_the_names_of_linux_are_found_by_the_firmware(self) -> None:
        self.pi("rpi3")
        self.assertNotIn("upstream_kernel=1", self.text("rpi3", "config.txt"))
        (self.firmware / "bcm2710-rpi-3-b.dtb").unlink()
        self.add_firmware("bcm2837-rpi-3-b.dtb")
        self.pi("rpi3")
        self.assertIn("upstream_kernel=1", self.text("rpi3", "config.txt"))
        self.assertIn("bcm2837-rpi-3-b.dtb", self.on_card("rpi3"))

    def test_boot_arguments_are_one_line_for_the_firmware_and_for_u_boot(self) -> None:
        self.pi("rpi3", "--append", "selftest=roots.*", "--append", "verdict=semihosting\n percpu=auto")
        line = "selftest=roots.* verdict=semihosting percpu=auto"
        self.assertEqual(self.text("rpi3", "cmdline.txt"), [line])
        self.assertIn(f"  APPEND {line}", self.text("rpi3", "extlinux/extlinux.conf"))
        self.assertIn("  KERNEL /kernel8.img", self.text("rpi3", "extlinux/extlinux.conf"))


class UBootTest(ImageTestCase):
    def script(self, path: Path) -> List[str]:
        """Returns the commands of a script in U-Boot's image format."""
        return path.read_bytes()[72:].decode().splitlines()

    def test_a_card_has_the_kernel_and_two_ways_to_find_it(self) -> None:
        self.image("u-boot")
        self.assertEqual(self.on_card("u-boot"), {"Image", "extlinux/extlinux.conf", "boot.scr.uimg"})
        self.assertEqual(self.mtools("mtype", "u-boot", "::/Image"), KERNEL)

    def test_both_ways_give_the_kernel_its_boot_arguments(self) -> None:
        self.image("u-boot", "--append", "selftest=roots.*")
        arguments = "selftest=roots.* verdict=poweroff"
        lines = self.text("u-boot", "extlinux/extlinux.conf")
        self.assertIn("  KERNEL /Image", lines)
        self.assertIn(f"  APPEND {arguments}", lines)
        script = self.script(self.out / "card" / "boot.scr.uimg")
        self.assertEqual(script[0], f"setenv bootargs '{arguments}'")
        self.assertTrue(script[1].startswith("load ${devtype} ") and script[1].endswith(" Image"))
        self.assertTrue(script[-1].startswith("booti "))

    def test_u_boot_is_put_where_the_board_looks_for_it(self) -> None:
        u_boot = self.state / "u-boot.bin"
        u_boot.write_bytes(b"U-Boot" * 1000)
        self.assertIn("--u-boot", self.image("rock-5b"))
        for board in ("imx8mp-evk", "rock-5b"):
            self.image(board, "--u-boot", str(u_boot))
            with (self.out / f"{board}.img").open("rb") as file:
                file.seek(32 << 10)
                self.assertEqual(file.read(6000), u_boot.read_bytes())
            self.assertIn("Image", self.on_card(board))
        for board in ("zcu102", "versal"):
            self.image(board, "--u-boot", str(u_boot))
            self.assertEqual(self.mtools("mtype", board, "::/BOOT.BIN"), u_boot.read_bytes())

    def test_a_u_boot_without_a_place_is_refused(self) -> None:
        u_boot = self.state / "u-boot.bin"
        u_boot.write_bytes(b"U")
        self.assertIn("--u-boot", self.image("u-boot", "--u-boot", str(u_boot), code=EXIT_USAGE))
        self.assertIn("--u-boot", self.image("rpi4", "--u-boot", str(u_boot), code=EXIT_USAGE))
        self.assertIn("no file", self.image("rock-5b", "--u-boot", "/no/such", code=EXIT_USAGE))
        with u_boot.open("wb") as file:
            file.truncate(PARTITION_AT - (32 << 10) + 1)
        self.assertIn("does not fit", self.image("rock-5b", "--u-boot", str(u_boot), code=EXIT_USAGE))
        self.assertFalse(self.out.exists())

    def test_a_server_has_what_u_boot_asks_it_for(self) -> None:
        self.image("tftp", "--append", "selftest=roots.*")
        server = self.out / "tftp"
        names = {str(path.relative_to(server)) for path in server.rglob("*") if path.is_file()}
        configurations = {"pxelinux.cfg/default", "pxelinux.cfg/default-arm"}
        self.assertEqual(names, {"Image", "boot.scr.uimg", *configurations})
        self.assertIn("tftpboot ${kernel_addr_r} Image", self.script(server / "boot.scr.uimg"))
        for name in configurations:
            lines = (server / name).read_text().splitlines()
            self.assertIn("  KERNEL Image", lines)
            self.assertIn("  APPEND selftest=roots.* verdict=poweroff", lines)
        self.assertFalse((self.out / "tftp.img").exists())


class ArchiveTest(ImageTestCase):
    def test_an_archive_has_kernel_symbols_and_what_to_type(self) -> None:
        self.pi("rpi3", "--append", "selftest=roots.*")
        files = self.archived("rpi3")
        top = "percival-rpi3/"
        boot = {f"boot/{name}" for name in ("config.txt", "cmdline.txt", "extlinux/extlinux.conf")}
        ours = {"Image", "percival.elf", "percival.map", "README.txt", "SHA256SUMS"} | boot
        self.assertEqual(set(files), {top + name for name in ours})
        self.assertEqual(files[top + "Image"], KERNEL)
        text = files[top + "README.txt"].decode()
        self.assertIn("booti ${kernel_addr_r} - ${fdtcontroladdr}", text)
        self.assertIn("setenv bootargs selftest=roots.* verdict=poweroff", text)

    def test_the_sums_of_an_archive_are_those_of_its_files(self) -> None:
        self.image("u-boot")
        with tarfile.open(self.out / "percival-u-boot.tar.gz") as tar:
            tar.extractall(self.state)
        command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
        done = subprocess.run(
            command, cwd=self.state / "percival-u-boot", check=False, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(": OK"), 6)

    def test_equal_builds_make_equal_results(self) -> None:
        dated: Dict[str, str] = {"SOURCE_DATE_EPOCH": "1700000000"}
        undated: Dict[str, str] = {}
        for env in (undated, dated):
            other = self.state / "other"
            self.image("u-boot", env=env)
            self.image("u-boot", out=other, env={"TZ": "Asia/Tokyo", **env})
            for name in ("u-boot.img", "percival-u-boot.tar.gz"):
                self.assertEqual((self.out / name).read_bytes(), (other / name).read_bytes(), name)
            listing = self.mtools("mdir", "u-boot", "::").decode()
            self.assertIn("2023-11-14" if env else "1980-01-01", listing)
            with tarfile.open(self.out / "percival-u-boot.tar.gz") as tar:
                entries = tar.getmembers()
            self.assertEqual({entry.mtime for entry in entries}, {1700000000 if env else 315532800})
            self.assertEqual([entry.name for entry in entries], sorted(entry.name for entry in entries))

    def test_a_date_that_files_cannot_have_is_refused(self) -> None:
        for text in ("", "tomorrow", "-1", "0", "315532799", "4294967296", "99999999999999999999"):
            said = self.image("u-boot", code=EXIT_USAGE, env={"SOURCE_DATE_EPOCH": text})
            self.assertIn("SOURCE_DATE_EPOCH", said)
            self.assertFalse(self.out.exists())


class ResultsTest(ImageTestCase):
    def test_wrong_arguments_are_named_and_nothing_is_made(self) -> None:
        for board, arguments, said in (
            ("rpi9", (), "there is no board 'rpi9'; there are: rpi3, "),
            ("u-boot", ("--preset", "8k-99"), "8k-99"),
            ("u-boot", ("--firmware", str(self.firmware)), "for Raspberry Pis"),
            ("tftp", ("--uart", "mini"), "for Raspberry Pis"),
            ("rpi5", ("--uart", "pl011"), "it has: debug"),
            ("rpi3", ("--firmware", "/no/such"), "no directory /no/such"),
            ("u-boot", ("--append", "selftest='*'"), "do not get through U-Boot"),
        ):
            self.assertIn(said, self.image(board, *arguments, code=EXIT_USAGE))
            self.assertFalse(self.out.exists())

    def test_a_place_that_cannot_be_written_is_named(self) -> None:
        self.out.write_text("a file")
        self.assertIn(str(self.out), self.image("u-boot", code=EXIT_USAGE))
        self.assertIn("Not a directory", self.image("u-boot", out=self.out / "below", code=EXIT_USAGE))

    def test_a_kernel_that_was_not_built_is_named(self) -> None:
        (self.tree / "build" / "4k-48" / "percival.elf").unlink()
        self.assertIn("percival.elf", self.image("u-boot", code=EXIT_USAGE))

    def test_new_results_take_the_place_of_old_ones_only(self) -> None:
        self.out.mkdir()
        (self.out / "notes").write_text("mine")
        self.image("u-boot")
        (self.out / "card" / "left").write_text("over")
        self.image("u-boot", "--append", "selftest=roots.*")
        names = {path.name for path in self.out.iterdir()}
        self.assertEqual(names, {"notes", "card", "u-boot.img", "percival-u-boot.tar.gz"})
        self.assertFalse((self.out / "card" / "left").exists())
        self.assertIn("selftest=roots.*", self.text("u-boot", "extlinux/extlinux.conf")[-1])

    def test_a_failure_leaves_the_old_results(self) -> None:
        self.image("u-boot")
        before = {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        mcopy = self.state.parent / "bin" / "mcopy"
        mcopy.write_text("#!/bin/sh\necho 'Disk full' >&2\nexit 1\n")
        mcopy.chmod(0o755)
        new = ("--append", "percpu=auto")
        said = self.image("u-boot", *new, code=EXIT_UNAVAILABLE, env={"PATH": self.environment["PATH"]})
        self.assertIn("Disk full", said)
        after = {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        self.assertEqual(before, after)
        self.assertEqual([path for path in self.out.iterdir() if path.name.startswith(".")], [])


class CardTest(ImageTestCase):
    def setUp(self) -> None:
        super().setUp()
        u_boot = self.tree / "build/foreign/u-boot-qemu/usr/lib/u-boot/qemu_arm64/u-boot.bin"
        u_boot.parent.mkdir(parents=True)
        u_boot.write_bytes(b"U-Boot")
        self.card = self.state / "card.img"
        self.card.write_bytes(b"card")

    def test_qemu_boots_a_card_through_u_boot_and_does_not_change_it(self) -> None:
        done = self.run_percival("boot", "--no-build", "--card", str(self.card))
        self.assertEqual(done.returncode, 0, done.stderr)
        arguments = self.qemu_arguments()
        self.assertTrue(arguments[arguments.index("-bios") + 1].endswith("qemu_arm64/u-boot.bin"))
        self.assertIn(f"if=none,id=disk,format=raw,file={self.card},snapshot=on", arguments)
        self.assertNotIn("-kernel", arguments)
        self.assertNotIn("-append", arguments)

    def test_the_verdict_of_a_card_counts_in_either_way(self) -> None:
        for word, qemu_code, code in (("failed", 1, 1), ("failed", 0, 1), ("panic", 2, 2), ("passed", 1, 3)):
            qemu = f"echo 'percival: verdict: {word}'; exit {qemu_code}"
            done = self.run_percival("boot", "--no-build", "--card", str(self.card), qemu=qemu)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_a_card_that_cannot_be_booted_is_refused(self) -> None:
        for arguments, said in (
            (("--card", "/no/such"), "no file /no/such"),
            (("--card", str(self.card), "--append", "percpu=auto"), "leave out"),
            (("--card", str(self.card), "--loader", "u-boot"), "leave out"),
            (("--card", str(self.card), "--loader", "grub"), "leave out"),
            (("--card", str(self.card), "--machine", "xlnx-versal-virt"), "Debian has none"),
        ):
            done = self.run_percival("boot", "--no-build", *arguments)
            self.assertEqual(done.returncode, EXIT_USAGE, done.stderr)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()

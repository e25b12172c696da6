# SPDX-License-Identifier: BSD-2-Clause
"""Tests that a package for arm64 is unpacked whole or not at all, and that what cannot be had is said."""

import shutil
import subprocess
import tempfile
import unittest
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional, Sequence
from unittest import mock

import support  # noqa: F401
from frontdoor import apt, apt_sources, foreign_packages, progress, sysroot
from frontdoor.errors import Unavailable
from frontdoor.foreign_packages import ForeignPackage, real_name

META = "Package: trees\nVersion: 6.1\nDepends: {}\n"
SOURCE = apt_sources.Source(("http://mirror.invalid/debian",), ("bookworm",), ("main",))
FILES = ("usr/lib/trees/board.dtb", "usr/lib/modules/much.ko", "boot/vmlinuz")


def make_package(directory: Path, name: str) -> Path:
    """Builds a package with FILES; returns its path."""
    root = directory / "root"
    for file in FILES:
        (root / file).parent.mkdir(parents=True)
        (root / file).touch()
    (root / "DEBIAN").mkdir()
    fields = {"Package": name, "Version": "1", "Architecture": "arm64", "Maintainer": "n", "Description": "d"}
    (root / "DEBIAN" / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    package = directory / f"{name}_1_arm64.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(package)], check=True, stdout=subprocess.DEVNULL)
    return package


@unittest.skipUnless(shutil.which("dpkg-deb"), "packages are fetched only on Debian")
class ProvideTest(unittest.TestCase):
    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.at = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="percival-test-")))
        self.package = ForeignPackage(
            "trees", "boards", self.at / "foreign" / "trees", ("usr/lib/trees/*.dtb",), real=r"trees-\d\S*"
        )
        self.archive = make_package(self.at, "trees-6.1")
        self.fails: Optional[str] = None
        self.calls = 0
        for module, name, value in (
            (foreign_packages, "FOREIGN", self.at / "foreign"),
            (foreign_packages, "LOGS", self.at / "logs"),
            (foreign_packages, "debian_codename", lambda: "bookworm"),
            (foreign_packages, "run_tool", self.run_tool),
            (apt, "debian_uris", lambda: []),
            (apt, "query", lambda command: META.format("trees-6.1 (= 1)")),
            (apt_sources, "machine_sources", lambda: [SOURCE]),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        stack.enter_context(mock.patch.object(foreign_packages, "say", lambda message: None))

    def run_tool(self, what: str, command: Sequence[str], log: Path, **settings: Any) -> int:
        """Stands for the network: apt-get finds an archive with one package."""
        self.calls += 1
        if self.fails in command:
            return 100
        if "download" in command:
            self.assertEqual(command[-1], "trees-6.1:arm64")
            shutil.copy(self.archive, settings["cwd"])
        return 0 if command[0] == "apt-get" else progress.run_tool(what, command, log, show_failure=False)

    def test_a_package_is_fetched_once_and_unpacked_without_its_modules(self) -> None:
        foreign_packages.provide(self.package)
        self.assertTrue(self.package.present())
        files = [path for path in self.package.directory.rglob("*") if path.is_file()]
        self.assertEqual(files, [self.package.directory / FILES[0]])
        before = self.calls
        foreign_packages.provide(self.package)
        self.assertEqual(self.calls, before)
        self.assertEqual(list((self.at / "foreign").iterdir()), [self.package.directory])

    def test_what_fails_is_said_and_nothing_is_left(self) -> None:
        for fails, why in (("update", "bookworm could not be read"), ("download", "could not be fetched")):
            self.fails = fails
            with self.assertRaisesRegex(Unavailable, f"trees for arm64 is needed for boards.*{why}"):
                foreign_packages.provide(self.package)
        self.fails = None
        self.archive.write_bytes(self.archive.read_bytes()[:300])
        with self.assertRaisesRegex(Unavailable, "trees-6.1_1_arm64.deb could not be unpacked"):
            foreign_packages.provide(self.package)
        self.assertEqual(list((self.at / "foreign").iterdir()), [])

    def test_a_package_without_the_files_is_an_error(self) -> None:
        with self.assertRaisesRegex(Unavailable, r"\*\.img.*does not have them"):
            foreign_packages.provide(replace(self.package, needs=("usr/lib/trees/*.img",)))

    def test_backports_come_from_their_suite(self) -> None:
        self.fails = "update"
        with self.assertRaisesRegex(Unavailable, "from backports.*bookworm-backports could not be read"):
            foreign_packages.provide(replace(self.package, backports=True))

    def test_elsewhere_than_on_debian_the_error_says_where_the_files_belong(self) -> None:
        with mock.patch.object(foreign_packages, "debian_codename", lambda: None):
            with self.assertRaisesRegex(Unavailable, rf"{self.package.directory}.*only on Debian"):
                foreign_packages.provide(self.package)
        with mock.patch.object(apt_sources, "machine_sources", lambda: []):
            with self.assertRaisesRegex(Unavailable, "no apt source .* bookworm main"):
                foreign_packages.provide(self.package)


class RealNameTest(unittest.TestCase):
    def test_a_meta_package_names_the_kernel_that_it_depends_on(self) -> None:
        kernel = foreign_packages.KERNEL
        for depends, name in (
            ("linux-image-6.1.0-50-arm64 (= 6.1.176-1)", "linux-image-6.1.0-50-arm64"),
            ("linux-base (>= 4), linux-image-6.12.95+deb12-arm64", "linux-image-6.12.95+deb12-arm64"),
        ):
            self.assertEqual(real_name(kernel, META.format(depends)), name)
        for description in ("", META.format("linux-image-6.1.0-50-arm64-unsigned")):
            with self.assertRaisesRegex(Unavailable, "the archive does not have it"):
                real_name(kernel, description)

    def test_a_package_that_is_no_meta_package_has_its_own_name(self) -> None:
        self.assertEqual(real_name(foreign_packages.U_BOOT_RPI, ""), "u-boot-rpi")


class PresenceTest(unittest.TestCase):
    def test_the_sysroot_is_complete_only_with_header_archive_and_licence(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            package = replace(sysroot.LIBFDT, directory=Path(name))
            for path in package.needs:
                self.assertFalse(package.present())
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / path).touch()
            self.assertTrue(package.present())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that setup recognizes what is installed, what is missing, and an old QEMU."""

import io
import unittest
from contextlib import redirect_stdout
from unittest import mock

import support  # noqa: F401
from frontdoor import apt, requirements, setup, sysroot
from frontdoor.errors import Unavailable
from frontdoor.qemu_probe import PREFERRED, QemuVersion, parse_package_version, parse_version
from frontdoor.requirements import Requirement


class RequirementTest(unittest.TestCase):
    def test_a_requirement_needs_all_its_commands_and_files(self) -> None:
        self.assertTrue(Requirement("p", "u", ("sh",), ("/proc/self/stat*",)).present())
        self.assertFalse(Requirement("p", "u", ("sh", "no-such-command")).present())
        self.assertFalse(Requirement("p", "u", files=("/proc/self/stat", "/no/such/*")).present())

    def test_every_requirement_can_be_detected(self) -> None:
        for need in requirements.REQUIREMENTS:
            self.assertTrue(need.commands or need.files, need.package)


class CheckTest(unittest.TestCase):
    def check(
        self, missing: "list[Requirement]", sysroot_present: bool, version: "QemuVersion | None"
    ) -> "tuple[int, str]":
        out = io.StringIO()
        with mock.patch.object(requirements, "missing", lambda: missing), mock.patch.object(
            sysroot, "present", lambda: sysroot_present
        ), mock.patch.object(setup, "installed_version", lambda: version), redirect_stdout(out):
            return setup.check(), out.getvalue()

    def test_check_returns_0_if_nothing_is_missing(self) -> None:
        self.assertEqual(self.check([], True, PREFERRED), (0, "set-up is complete\n"))

    def test_check_returns_1_and_names_what_is_missing(self) -> None:
        code, out = self.check([Requirement("clang-19", "the compiler")], True, PREFERRED)
        self.assertEqual(code, 1)
        self.assertIn("clang-19", out)
        self.assertEqual(self.check([], False, PREFERRED)[0], 1)

    def test_an_old_qemu_is_noted_and_sufficient(self) -> None:
        code, out = self.check([], True, QemuVersion(7, 2))
        self.assertEqual(code, 0)
        self.assertIn("7.2", out)


class ProvideTest(unittest.TestCase):
    MISSING = Requirement("made-up", "a page", ("no-such-command",))

    def test_nothing_is_asked_of_apt_if_all_is_there(self) -> None:
        with mock.patch.object(apt, "update") as update:
            setup.provide([Requirement("sh", "all", ("sh",))])
        update.assert_not_called()

    def test_only_what_is_missing_is_installed(self) -> None:
        with mock.patch.object(apt, "update"), mock.patch.object(setup, "_require_debian"), mock.patch.object(
            apt, "apt_get", return_value=0
        ) as apt_get:
            with self.assertRaisesRegex(Unavailable, "parts of them are missing: made-up"):
                setup.provide([Requirement("sh", "all", ("sh",)), self.MISSING])
        self.assertEqual(apt_get.call_args[0][2], ["made-up"])

    def test_elsewhere_than_on_debian_the_error_names_the_package(self) -> None:
        with mock.patch.object(setup, "debian_codename", lambda: None):
            with self.assertRaisesRegex(Unavailable, r"made-up \(a page\)"):
                setup.provide([self.MISSING])


class EnsureTest(unittest.TestCase):
    def test_nothing_is_installed_if_nothing_is_missing(self) -> None:
        with mock.patch.object(requirements, "missing", lambda: []), mock.patch.object(
            setup, "installed_version", lambda: PREFERRED
        ), mock.patch.object(sysroot, "present", lambda: True), mock.patch.object(
            setup, "_install"
        ) as install:
            self.assertEqual(setup.setup(), 0)
        install.assert_not_called()

    def test_an_old_qemu_is_upgraded_by_setup_only(self) -> None:
        with mock.patch.object(requirements, "missing", lambda: []), mock.patch.object(
            setup, "installed_version", lambda: QemuVersion(7, 2)
        ), mock.patch.object(sysroot, "present", lambda: True), mock.patch.object(
            setup, "_install"
        ) as install:
            setup.ensure()
            install.assert_not_called()
            setup.ensure(upgrade_qemu=True)
            install.assert_called_once()

    def test_an_old_qemu_that_cannot_be_upgraded_is_kept(self) -> None:
        with mock.patch.object(requirements, "missing", lambda: []), mock.patch.object(
            setup, "installed_version", lambda: QemuVersion(7, 2)
        ), mock.patch.object(sysroot, "present", lambda: True), mock.patch.object(
            setup, "_install", side_effect=Unavailable("no rights")
        ):
            self.assertEqual(setup.setup(), 0)

    def test_a_missing_package_that_cannot_be_installed_is_an_error(self) -> None:
        lacking = [Requirement("clang-19", "the compiler")]
        with mock.patch.object(requirements, "missing", lambda: lacking), mock.patch.object(
            setup, "debian_codename", lambda: None
        ):
            with self.assertRaisesRegex(Unavailable, "clang-19"):
                setup.setup()


class VersionTest(unittest.TestCase):
    def test_versions_compare_as_numbers(self) -> None:
        self.assertEqual(
            parse_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), (7, 2)
        )
        self.assertLess(QemuVersion(9, 2), QemuVersion(10, 0))
        self.assertEqual(parse_package_version("1:10.0.2+ds-2+deb13u1~bpo12+1"), (10, 0))
        self.assertIsNone(parse_package_version("(none)"))


if __name__ == "__main__":
    unittest.main()

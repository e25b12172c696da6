# SPDX-License-Identifier: BSD-2-Clause
"""The front door and README.md show the boot arguments as the kernel's table has them. (A row of the boot
matrix, lists_its_boot_arguments, compares this with the kernel's own output.)"""

import re
import subprocess
import sys
import unittest

from support import ROOT, TreeTestCase

from checks import argument_list
from frontdoor.boot_arguments import BootArgument, TABLE, boot_arguments, help_lines, markdown_lines
from matrix import BY_NAME


class TableTest(unittest.TestCase):
    def test_every_entry_is_found(self) -> None:
        names = re.findall(r"constexpr \S+ (k\w+)\{\s*\{", TABLE.read_text())
        shown = re.findall(r"&(k\w+),", TABLE.read_text())
        self.assertEqual(names, shown)
        self.assertEqual(len(boot_arguments()), len(names))

    def test_arguments_have_usage_default_and_meaning(self) -> None:
        arguments = {argument.usage: argument for argument in boot_arguments()}
        self.assertEqual(arguments["selftest.timeout=S"].default, "30")
        self.assertEqual(arguments["linear=auto|blocks|pages"].default, "auto")
        self.assertEqual(arguments["arguments.list"].default, "off")
        self.assertEqual(arguments["bench[=GLOB[,GLOB]]"].default, "-")
        self.assertTrue(all(argument.meaning for argument in arguments.values()))

    def test_readme_shows_the_table(self) -> None:
        self.assertIn("\n\n" + "\n".join(markdown_lines()) + "\n\n", (ROOT / "README.md").read_text())


class HelpTest(TreeTestCase):
    def test_help_shows_the_table(self) -> None:
        command = [sys.executable, str(ROOT / "scripts" / "frontdoor" / "__main__.py"), "boot", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertIn("\n".join(help_lines()) + "\n", done.stdout)
        self.assertLessEqual(max(map(len, help_lines())), 110)

    def test_help_reports_that_the_kernels_sources_are_missing(self) -> None:
        done = self.run_percival("boot", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("boot_argument_table.hpp cannot be read", " ".join(done.stdout.split()))


class CheckTest(unittest.TestCase):
    ROW = BY_NAME["lists_its_boot_arguments"]

    @staticmethod
    def line(argument: BootArgument) -> str:
        return f"argument: {argument.usage:34} {argument.default:8} {argument.meaning}"

    def test_the_kernels_list_must_equal_the_table(self) -> None:
        lines = [self.line(argument) for argument in boot_arguments()]
        self.assertEqual(argument_list(["Percival", *lines], self.ROW), [])
        self.assertTrue(argument_list(lines[1:], self.ROW))
        self.assertTrue(argument_list([*lines, "argument: more off does more"], self.ROW))
        self.assertTrue(argument_list([lines[0] + "!", *lines[1:]], self.ROW))


if __name__ == "__main__":
    unittest.main()

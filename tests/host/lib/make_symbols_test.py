#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests scripts/make_symbols.py: which names it takes, how it shortens them, and that it detects moved
code."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)
import make_symbols  # noqa: E402  pylint: disable=wrong-import-position

LISTING = """\
                 U undefined_one
ffff000000000000 T _text
ffff000000000000 T _image_start
ffff000000000000 T _start
ffff000000000040 t local_name
ffff000000000040 T global_name
ffff000000000080 T _part_of_text
ffff000000000080 W weak_name
ffff0000000000a0 t $x
ffff0000000000a0 d data_in_text
ffff000000000100 T _etext
ffff000000000100 R _rodata
ffff000000000200 T function_beyond
"""


class Shorten(unittest.TestCase):
    def check(self, full: str, short: str) -> None:
        self.assertEqual(make_symbols.shorten(full), short)

    def test_parameters_and_template_arguments_are_dropped(self) -> None:
        self.check("percival::f(int, char const*)", "percival::f")
        self.check("void percival::print<unsigned int>(percival::FormatString<int>)", "percival::print<>")
        self.check(
            "percival::Range<percival::Address<percival::Tag> >::contains(int) const",
            "percival::Range<>::contains",
        )

    def test_the_result_type_is_dropped(self) -> None:
        self.check("unsigned long* const std::f<int>(int)", "std::f<>")
        self.check("decltype(auto) f<int>(int)", "f<>")

    def test_anonymous_namespaces_are_dropped(self) -> None:
        self.check("percival::(anonymous namespace)::run(int)", "percival::run")

    def test_operators_are_kept(self) -> None:
        self.check("percival::X::operator()(int) const", "percival::X::operator()")
        self.check("bool std::operator<=> <char>(int, int)", "std::operator<=><>")
        self.check("percival::X::operator->() const", "percival::X::operator->")
        self.check("operator new(unsigned long)", "operator new")
        self.check("percival::X::operator bool() const", "percival::X::operator bool")

    def test_lambdas_of_both_demanglers_are_kept(self) -> None:
        self.check("f(int)::'lambda'(int)::operator()(int) const", "f::{lambda}::operator()")
        self.check("f(int)::{lambda(int)#1}::operator()(int) const", "f::{lambda}::operator()")
        self.check("void f(int)::$_0::operator()<int>(int) const", "f::$_0::operator()<>")

    def test_assembly_names_are_left_alone(self) -> None:
        self.check("_start", "_start")

    def test_a_long_name_keeps_both_ends(self) -> None:
        short = make_symbols.shorten("begin" + "x" * 200 + "end")
        self.assertLessEqual(len(short), make_symbols.MAX_NAME)
        self.assertTrue(short.startswith("begin") and short.endswith("end"))


class Table(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name: str, text: str) -> str:
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as output:
            output.write(text)
        return path

    def script(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, os.path.join(SCRIPTS, "make_symbols.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def test_each_function_of_the_text_gets_one_name(self) -> None:
        found, end = make_symbols.functions(self.file("a.nm", LISTING))
        self.assertEqual(found, [(0, "_start"), (0x40, "global_name"), (0x80, "weak_name")])
        self.assertEqual(end, 0x100)

    def test_the_assembly_holds_count_starts_and_names(self) -> None:
        text = make_symbols.assembly([0, 8, 16], ["f", "f"])
        self.assertIn('.section .symbols, "a"', text)
        values = re.findall(r"\.4byte (\d+)", text)
        self.assertEqual(values, ["2", "0", "8", "16", "0", "0"])  # both names share one string
        self.assertEqual(text.count(".asciz"), 1)

    def test_an_empty_table_still_has_its_end(self) -> None:
        values = re.findall(r"\.4byte (\d+)", make_symbols.assembly([0], []))
        self.assertEqual(values, ["0", "0"])

    def test_check_accepts_equal_code_and_ignores_data(self) -> None:
        first = self.file("a.nm", LISTING)
        second = self.file("b.nm", LISTING.replace("000100 R _rodata", "009100 R _rodata"))
        self.assertEqual(self.script("--check", first, second).returncode, 0)

    def test_check_rejects_a_function_that_moved(self) -> None:
        first = self.file("a.nm", LISTING)
        second = self.file("b.nm", LISTING.replace("ffff000000000080 W", "ffff000000000084 W"))
        result = self.script("--check", first, second)
        self.assertEqual(result.returncode, 1)
        self.assertIn("weak_name", result.stderr)

    def test_check_rejects_a_moved_end(self) -> None:
        first = self.file("a.nm", LISTING)
        second = self.file("b.nm", LISTING.replace("ffff000000000100 T _etext", "ffff000000000104 T _etext"))
        self.assertEqual(self.script("--check", first, second).returncode, 1)

    def test_a_listing_without_the_bounds_is_an_error(self) -> None:
        result = self.script("--check", self.file("a.nm", ""), self.file("b.nm", ""))
        self.assertEqual(result.returncode, 1)
        self.assertIn("_text", result.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests that what the kernel wrote of a console's line is found, whatever stands around it."""

import unittest

import support  # noqa: F401
from frontdoor.console_line import kernel_text

LINES = (
    "KTAP version 1",
    "  ok 1 adds # SKIP no LSE",
    "1..3",
    "percival: verdict: passed",
    "# a.cpp:3: a | b",
)
BEFORE = (
    "[    1.234567] ",
    "[12345.678901] ",
    "<6>[    1.234567] ",
    "[2026-01-31 12:00:00.123] ",
    "[12:00:00] ",
    "2026-01-31T12:00:00.123Z ",
    "2026-01-31 12:00:00,123+01:00 ",
    "Jan 31 12:00:00 ",
    "12:00:00.123 ",
    "cpu0 | ",
    "board-1.lab  | ",
    "cpu0 | [    1.234567] ",
)


class ConsoleLineTest(unittest.TestCase):
    def test_a_line_of_the_kernel_stays_as_it_is(self) -> None:
        for line in (*LINES, "", "machine: linux,dummy-virt", "#0 V:0xffff", "boot: linear map     1134 us"):
            self.assertEqual(kernel_text(line), line)

    def test_what_tools_put_before_a_line_goes_and_its_indentation_stays(self) -> None:
        for before in BEFORE:
            for line in LINES:
                self.assertEqual(kernel_text(before + line), line)

    def test_a_prefix_without_a_line_is_an_empty_line(self) -> None:
        for before in BEFORE:
            self.assertEqual(kernel_text(before), "")
            self.assertEqual(kernel_text(before.rstrip()), "")

    def test_noise_around_a_line_goes(self) -> None:
        for noise in ("\0", "\ufffd\ufffd", "\x01\x7f", "\x1b[0m", "\x1b[2J\x1b[1;1H", "é"):
            for line in LINES:
                self.assertEqual(kernel_text(noise + line + noise), line)
                self.assertEqual(kernel_text(f"{noise}cpu0 | {line}{noise}"), line)

    def test_carriage_returns_and_nuls_do_not_matter(self) -> None:
        self.assertEqual(kernel_text("\r  ok\0 1 adds\r\r"), "  ok 1 adds")

    def test_noise_within_a_line_stays(self) -> None:
        self.assertEqual(kernel_text("percival: verdict: pas\ufffdsed"), "percival: verdict: pas\ufffdsed")

    def test_a_word_before_a_line_stays(self) -> None:
        for line in (
            "x percival: verdict: passed",
            "not | ok 1 a".replace("|", ""),
            "[note] ok 1 a",
            "[] ok",
        ):
            self.assertEqual(kernel_text(line), line)

    def test_the_kernels_text_after_a_long_line_of_noise_is_found(self) -> None:
        for noise in ("\ufffd", "[1", "a|", "1:", " |"):
            self.assertTrue(kernel_text(noise * 300_000 + "x").endswith("x"), noise)


if __name__ == "__main__":
    unittest.main()

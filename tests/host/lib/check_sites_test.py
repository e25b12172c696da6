#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests scripts/check_sites.py: it accepts only sites as the kernel expects them, and branches to veneers."""

import os
import struct
import subprocess
import sys
import tempfile
import unittest
from typing import Dict, Optional

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)
import check_sites  # noqa: E402  pylint: disable=wrong-import-position

TEXT = 0xFFFF_0000_0000_0000
SITE, SEQUENCE, VENEER, TABLE, END = TEXT + 0x14, TEXT + 0x40, TEXT + 0x80, TEXT + 0x100, TEXT + 0x12C
LISTING = f"""\
{TEXT:x} T _text
{TEXT + 0x10:x} t _ZN8percival4readEv
{VENEER:x} t e843419@0001_00000002_14
{TABLE:x} T _etext
{TABLE:x} R __start_alternatives
{END:x} R __stop_alternatives
"""
# A build of one mode: an alternative of four words, and one restartable sequence.
TABLE_END, RESTARTABLE = TABLE + 0x10, TABLE + 0x20
LISTING_IN_LINE = f"""\
{LISTING.replace(f"{END:x}", f"{TABLE_END:x}")}\
{RESTARTABLE:x} R __start_restartable
{RESTARTABLE + 8:x} R __stop_restartable
"""
ADD_TO_X18 = 0x8B08_024C  # add x12, x18, x8
LOAD, OTHER_LOAD, LOAD_BY_X18 = 0xF940_4500, 0xF940_4900, 0xF868_6A40
BRANCH_BY_2 = 0x1400_0002


def elf(words: Dict[int, int]) -> bytes:
    """Returns an ELF file whose only segment holds `words`, a dictionary by address."""
    segment = bytearray(END - TEXT)
    for address, word in words.items():
        struct.pack_into("<I", segment, address - TEXT, word & 0xFFFF_FFFF)
    header = bytearray(64)
    struct.pack_into("<Q", header, 0x20, len(header))
    struct.pack_into("<HH", header, 0x36, 56, 1)
    program_header = struct.pack("<IIQQQQQQ", 1, 5, 64 + 56, TEXT, 0, len(segment), len(segment), 4)
    return bytes(header) + program_header + bytes(segment)


def alternative(
    instruction: int,
    restart_instruction: int = 0,
    llsc: Optional[int] = None,
    restart_llsc: Optional[int] = None,
) -> Dict[int, int]:
    """Returns the words of an alternative at the start of the table. A sequence is given by its address."""
    words = {TABLE: SITE - TABLE, TABLE + 4: instruction, TABLE + 16: restart_instruction}
    for field, sequence in ((TABLE + 12, llsc), (TABLE + 24, restart_llsc)):
        words[field] = sequence - field if sequence else 0
    return words


class Sites(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name: str, content: bytes) -> str:
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as output:
            output.write(content)
        return path

    def check(self, words: Dict[int, int], as_linked: str = "local") -> "subprocess.CompletedProcess[str]":
        listing = LISTING_IN_LINE if as_linked.startswith("in-line") else LISTING
        arguments = [self.file("a.elf", elf(words)), self.file("a.nm", listing.encode())]
        script = [sys.executable, os.path.join(SCRIPTS, "check_sites.py"), "--as-linked", as_linked]
        return subprocess.run([*script, *arguments], capture_output=True, text=True, check=False)

    def accept(self, words: Dict[int, int], as_linked: str = "local") -> None:
        result = self.check(words, as_linked)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def reject(self, words: Dict[int, int], as_linked: str = "local") -> None:
        result = self.check(words, as_linked)
        self.assertEqual(result.returncode, 1)
        self.assertIn("percival::read+0x4 ", result.stderr)

    def test_branches_go_both_ways(self) -> None:
        self.assertEqual(check_sites.branch(TEXT, TEXT + 8), BRANCH_BY_2)
        self.assertEqual(check_sites.branch(TEXT + 4, TEXT), 0x17FF_FFFF)

    def test_a_load_in_place_is_accepted(self) -> None:
        self.accept({**alternative(LOAD, restart_llsc=SEQUENCE), SITE: LOAD})
        self.accept({**alternative(LOAD, LOAD_BY_X18), SITE: LOAD_BY_X18}, "restart")

    def test_a_branch_to_the_sequence_is_accepted(self) -> None:
        words = {**alternative(LOAD, 0, VENEER, SEQUENCE), SITE: check_sites.branch(SITE, VENEER)}
        self.accept(words)
        self.reject(words, "restart")
        words[SITE] = check_sites.branch(SITE, SEQUENCE)
        self.accept(words, "restart")
        self.reject(words)

    def test_a_branch_to_a_veneer_with_the_load_is_accepted(self) -> None:
        words = {**alternative(LOAD, restart_llsc=SEQUENCE), SITE: check_sites.branch(SITE, VENEER)}
        self.accept({**words, VENEER: LOAD})
        self.reject({**words, VENEER: OTHER_LOAD})

    def test_a_branch_to_a_place_that_is_no_veneer_is_rejected(self) -> None:
        self.reject({**alternative(LOAD), SITE: check_sites.branch(SITE, SEQUENCE), SEQUENCE: LOAD})

    def test_a_veneer_is_rejected_where_the_kernel_would_not_keep_it(self) -> None:
        words = {**alternative(LOAD, LOAD_BY_X18), SITE: check_sites.branch(SITE, VENEER)}
        self.reject({**words, VENEER: LOAD_BY_X18}, "restart")

    def test_another_instruction_is_rejected(self) -> None:
        self.reject({**alternative(LOAD), SITE: OTHER_LOAD})
        self.reject({**alternative(LOAD, LOAD_BY_X18), SITE: LOAD}, "restart")

    def test_a_site_outside_the_image_is_an_error(self) -> None:
        result = self.check({**alternative(LOAD), TABLE: 0x1000})
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing is loaded at", result.stderr)

    IN_LINE = {
        **{TABLE: SITE - TABLE, TABLE + 4: LOAD, TABLE + 12: SEQUENCE + 4 - (TABLE + 12)},
        **{SITE - 4: ADD_TO_X18, SITE: check_sites.branch(SITE, SEQUENCE + 4)},
        **{SEQUENCE: ADD_TO_X18, RESTARTABLE: SEQUENCE - RESTARTABLE, RESTARTABLE + 4: 16},
    }

    def test_a_sequence_in_line_branches_to_its_loop(self) -> None:
        for mode in ("restart", "fixup", "guarded"):
            self.accept(self.IN_LINE, f"in-line-{mode}")
            self.reject({**self.IN_LINE, SITE: check_sites.branch(SITE, SEQUENCE)}, f"in-line-{mode}")

    def test_every_restart_sequence_in_line_begins_with_an_add_to_x18(self) -> None:
        for place in (SITE - 4, SEQUENCE):
            words = {**self.IN_LINE, place: LOAD}
            self.accept(words, "in-line-fixup")
            self.assertEqual(self.check(words, "in-line-restart").returncode, 1)

    def test_an_add_to_x18_outside_of_a_restart_sequence_is_rejected(self) -> None:
        result = self.check({**self.IN_LINE, SEQUENCE + 12: ADD_TO_X18}, "in-line-restart")
        self.assertEqual(result.returncode, 1)
        self.assertIn("adds to x18 ", result.stderr)


if __name__ == "__main__":
    unittest.main()

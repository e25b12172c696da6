#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests scripts/check_multiplies.py: it knows the pairs of erratum 835769, and only those."""

import os
import sys
import unittest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)
import check_multiplies  # noqa: E402  pylint: disable=wrong-import-position

LDR, LDR_W, STR, PRFM, LDR_D = 0xF940_0041, 0xB940_0041, 0xF900_0041, 0xF980_0040, 0xFD40_0040  # of x1, by x2
LDP, STP, LDR_LITERAL, PRFM_LITERAL = 0xA940_2041, 0xA900_2041, 0x5800_0001, 0xD800_0000  # LDP: x1, x8
LDAR, STLR, LDR_POST = 0xC8DF_FC41, 0xC89F_FC41, 0xF840_8441
MADD, MSUB, SMADDL, UMADDL = 0x9B05_1883, 0x9B05_9883, 0x9B25_1883, 0x9BA5_1883  # x3, x4, x5, x6
MUL, SMULH, MADD_W = 0x9B05_7C83, 0x9B45_7C83, 0x1B05_1883
NOP, ADD, DSB = 0xD503_201F, 0x8B05_0083, 0xD503_3B9F
X1_AS_OPERAND = (0x9B05_1823, 0x9B01_1883, 0x9B05_0483)  # multiplicand, multiplier, accumulator


ACCESSES = (
    *(LDR, LDR_W, STR, PRFM, LDR_D, LDP, STP),
    *(LDR_LITERAL, PRFM_LITERAL, LDAR, STLR, LDR_POST),
)


class Pairs(unittest.TestCase):
    def test_every_memory_access_before_every_multiply_accumulate_is_a_pair(self) -> None:
        for access in ACCESSES:
            for multiply in (MADD, MSUB, SMADDL, UMADDL):
                pair = (hex(access), hex(multiply))
                self.assertTrue(check_multiplies.is_hazard(access, multiply, False), pair)

    def test_multiplications_without_accumulator_or_of_32_bits_are_safe(self) -> None:
        for multiply in (MUL, SMULH, MADD_W, ADD):
            self.assertFalse(check_multiplies.is_hazard(LDR, multiply, False), hex(multiply))

    def test_what_accesses_no_memory_is_safe(self) -> None:
        for before in (NOP, ADD, DSB, MADD):
            self.assertFalse(check_multiplies.is_hazard(before, MADD, False), hex(before))

    def test_a_multiplication_that_waits_for_the_load_is_safe(self) -> None:
        for multiply in X1_AS_OPERAND:
            for load in (LDR, LDR_W, LDP, LDR_LITERAL, LDR_POST):
                self.assertFalse(check_multiplies.is_hazard(load, multiply, False), hex(load))
            for access in (STR, STP, PRFM, LDR_D):
                self.assertTrue(check_multiplies.is_hazard(access, multiply, False), hex(access))

    def test_a_site_counts_as_an_access_that_nothing_waits_for(self) -> None:
        self.assertTrue(check_multiplies.is_hazard(NOP, MADD, True))
        self.assertTrue(check_multiplies.is_hazard(LDR, X1_AS_OPERAND[0], True))


if __name__ == "__main__":
    unittest.main()

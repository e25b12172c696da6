#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests scripts/seal_image.py: its sums are those of the kernel (tests/host/image/image_seal_test.cpp has the
same example), and a file without the seal where it should be is refused.
"""

import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))

import seal_image  # noqa: E402  (the path has to be set first)


class SealImageTest(unittest.TestCase):
    def test_the_sums_are_the_kernels(self) -> None:
        words = [1, 2, (1 << 64) - 1, 0x0123_4567_89AB_CDEF]
        data = struct.pack("<4Q", *words)
        self.assertEqual(seal_image.sums_of(data), (0x0123_4567_89AB_CDF1, 0x0123_4567_89AB_CDF7))
        self.assertEqual(seal_image.sums_of(b""), (0, 0))

    def test_the_sums_follow_the_magic(self) -> None:
        data = bytearray(b"percival" + bytes(24))
        seal_image.seal(data, 0, (7, 9))
        self.assertEqual(data, b"percival" + struct.pack("<QQ", 7, 9) + bytes(8))

    def test_a_file_without_the_magic_is_refused(self) -> None:
        with self.assertRaises(seal_image.Error):
            seal_image.seal(bytearray(32), 0, (7, 9))


if __name__ == "__main__":
    unittest.main()

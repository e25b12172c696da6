# SPDX-License-Identifier: BSD-2-Clause
"""Tests the checks of widths and of casts on texts and on a made-up tree."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from style import check_casts, check_data_of_init, check_times, too_wide, unexplained_casts

CAST = "    return reinterpret_cast<u64*>(p);"
SAFETY = "    // SAFETY: p is aligned."


class WidthTest(unittest.TestCase):
    """Which lines are too wide."""

    def test_a_line_may_have_110_columns_but_no_more(self) -> None:
        """The number counts from 1."""
        self.assertEqual(list(too_wide("x" * 110 + "\n" + "x" * 111)), [2])

    def test_tables_and_addresses_may_be_wider(self) -> None:
        """They cannot be broken."""
        self.assertEqual(list(too_wide("| " + "x" * 120 + "\nhttps://" + "x" * 120)), [])


class CastTest(unittest.TestCase):
    """Which casts lack an explanation."""

    def test_a_cast_without_a_comment_is_found(self) -> None:
        """Another comment does not help."""
        self.assertEqual(list(unexplained_casts(f"    // It is aligned.\n{CAST}")), [2])

    def test_a_comment_on_the_line_or_six_lines_above_explains_a_cast(self) -> None:
        """Seven lines are too far."""
        self.assertEqual(list(unexplained_casts(f"{CAST} // SAFETY: p is aligned.")), [])
        self.assertEqual(list(unexplained_casts(f"{SAFETY}\n" + "    f();\n" * 5 + CAST)), [])
        self.assertEqual(list(unexplained_casts(f"{SAFETY}\n" + "    f();\n" * 6 + CAST)), [8])

    def test_a_comment_below_the_cast_does_not_explain_it(self) -> None:
        """It explains what follows."""
        self.assertEqual(list(unexplained_casts(f"{CAST}\n{SAFETY}")), [1])

    def test_a_cast_in_a_macro_is_found(self) -> None:
        """Macros make no difference."""
        self.assertEqual(list(unexplained_casts("#define WORD(p) \\\n    (*reinterpret_cast<u64*>(p))")), [2])

    def test_a_comment_may_mention_casts(self) -> None:
        """The word alone is no cast."""
        self.assertEqual(list(unexplained_casts("// A reinterpret_cast would be wrong here.")), [])

    def test_only_the_kernel_is_checked(self) -> None:
        """Tests may cast as they like."""
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            names = ["mm/a.cpp", "mm/b.md", "tests/c.cpp"]
            for name in names:
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(CAST, encoding="utf-8")
            self.assertEqual(
                check_casts(root, names), ["mm/a.cpp:1: a reinterpret_cast without a SAFETY: comment"]
            )


class DataOfInitTest(unittest.TestCase):
    """Where data that is read-only after init may be defined."""

    def test_a_header_defines_none(self) -> None:
        """Source files may, and comments may name it."""
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            (root / "mm").mkdir()
            line = "PERCIVAL_RO_AFTER_INIT constinit int a = 0;"
            for name, text in (("mm/a.cpp", line), ("mm/b.hpp", f"// {line}"), ("mm/c.hpp", f"\n{line}")):
                (root / name).write_text(text, encoding="utf-8")
            self.assertEqual(
                check_data_of_init(root, ["mm/a.cpp", "mm/b.hpp", "mm/c.hpp"]),
                ["mm/c.hpp:2: PERCIVAL_RO_AFTER_INIT in a header"],
            )


class TimesTest(unittest.TestCase):
    """Which sources take the time of the build."""

    def test_no_source_of_the_image_takes_the_time(self) -> None:
        """Comments may name it, and sources that the host compiles may take it."""
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            names = ["mm/a.cpp", "tests/kernel/b.hpp", "tests/host/c.cpp"]
            for name in names:
                (root / name).parent.mkdir(exist_ok=True, parents=True)
                (root / name).write_text("// __DATE__\nauto t = __TIME__;", encoding="utf-8")
            self.assertEqual(
                check_times(root, names),
                [f"{name}:2: __TIME__ makes another Image each time" for name in names[:2]],
            )


if __name__ == "__main__":
    unittest.main()

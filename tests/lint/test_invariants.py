# SPDX-License-Identifier: BSD-2-Clause
"""Tests which labels of invariants the check complains of."""

from __future__ import annotations

import unittest

from invariants import check_labels

DEFINITION = "// Keeps a list.\n//\n// INV-list-1: the list is sorted.\n"


class InvariantsTest(unittest.TestCase):
    """Labels in made-up files."""

    def test_a_label_that_is_defined_and_cited_is_fine(self) -> None:
        """The citation may be in the header, in a source, or in assembly."""
        for name, text in (
            ("a.hpp", "    first(); // INV-list-1"),
            ("a.cpp", "    // INV-list-1: so the first one is the smallest."),
            ("a.S", " * The list is sorted (INV-list-1)."),
        ):
            texts = {"list.hpp": DEFINITION}
            texts[name] = text
            self.assertEqual(check_labels(texts), [])
        self.assertEqual(check_labels({"list.hpp": DEFINITION + "first(); // INV-list-1: sorted\n"}), [])

    def test_a_label_that_nobody_cites_is_found(self) -> None:
        """Another number is another label."""
        self.assertEqual(check_labels({"list.hpp": DEFINITION}), ["list.hpp:3: INV-list-1 is not cited"])
        self.assertEqual(
            check_labels({"list.hpp": DEFINITION, "a.cpp": "// INV-list-10\n"}),
            ["a.cpp:1: INV-list-10 is not defined", "list.hpp:3: INV-list-1 is not cited"],
        )

    def test_a_label_that_no_header_defines_is_found(self) -> None:
        """A source cannot define it."""
        self.assertEqual(
            check_labels({"a.cpp": "// INV-list-1: it is sorted.\n"}),
            ["a.cpp:1: INV-list-1 is not defined"],
        )

    def test_a_label_that_is_defined_twice_is_found(self) -> None:
        """In one file or in two."""
        self.assertEqual(
            check_labels({"list.hpp": DEFINITION, "other.hpp": DEFINITION, "a.cpp": "// INV-list-1"}),
            ["other.hpp:3: INV-list-1 is defined already, at list.hpp:3"],
        )


if __name__ == "__main__":
    unittest.main()

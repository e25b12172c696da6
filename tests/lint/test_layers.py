# SPDX-License-Identifier: BSD-2-Clause
"""The check of the floors finds what it is for."""

import tempfile
import unittest
from pathlib import Path
from typing import Dict

import layers

FOLDERS = (
    "# a comment\nfloor\tfolder\tpurpose\n3\tmm/high\tIs high.\n"
    "2\tmm/beside\tIs low.\n2\tarch/arm64/low\tIs low.\n"
)


class IncludesTest(unittest.TestCase):
    """A tree of a few files."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.write({"docs/folders.tsv": FOLDERS})
        self.floors = layers.read_floors(self.root)

    def write(self, files: Dict[str, str]) -> None:
        """Writes files below the root."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def test_an_include_that_runs_down_or_into_its_own_folder_is_fine(self) -> None:
        self.write(
            {"mm/high/a.cpp": '#include "mm/high/a.hpp"\n#include "arch/low/b.hpp"\n', "mm/high/a.hpp": ""}
        )
        self.write({"arch/arm64/include/arch/low/b.hpp": "#include <array>\n", "mm/beside/c.hpp": ""})
        self.assertEqual(layers.check_includes(self.root, self.floors), [])
        self.assertEqual(layers.check_folders(self.root, self.floors), [])

    def test_an_include_that_runs_up_or_sideways_is_named_with_file_and_line(self) -> None:
        self.write(
            {"arch/arm64/include/arch/low/b.hpp": '\n#include "mm/high/a.hpp"\n#include "mm/beside/c.hpp"\n'}
        )
        self.write({"mm/high/a.hpp": "", "mm/beside/c.hpp": ""})
        found = layers.check_includes(self.root, self.floors)
        self.assertEqual(len(found), 2)
        self.assertIn("arch/arm64/include/arch/low/b.hpp:2: runs up", found[0])
        self.assertIn("arch/arm64/include/arch/low/b.hpp:3: runs sideways", found[1])

    def test_folders_that_are_unknown_missing_or_too_full_are_reported(self) -> None:
        self.write({f"mm/new/{n}.hpp": "" for n in range(layers.MAX_FILES + 1)})
        found = "\n".join(layers.check_folders(self.root, self.floors))
        self.assertIn("mm/new is not in it", found)
        self.assertIn("mm/high has no files", found)
        self.assertIn("mm/new: 31 files", found)


class LinksTest(unittest.TestCase):
    """Symbols of two objects."""

    FLOORS = {"mm/high": 3, "mm/low": 2}

    def test_a_call_that_runs_up_needs_a_contract(self) -> None:
        symbols = [
            ("mm/high/a.cpp", "T", "f(int)"),
            ("mm/low/b.cpp", "U", "f(int)"),
            ("mm/low/b.cpp", "T", "g()"),
        ]
        self.assertEqual(len(layers.check_links(symbols, self.FLOORS, [])), 1)
        contract = layers.Contract("f", "mm/low/b.hpp", "mm/high", "Does something.")
        self.assertEqual(layers.check_links(symbols, self.FLOORS, [contract]), [])
        self.assertEqual(len(layers.check_links(symbols[2:], self.FLOORS, [contract])), 1)


if __name__ == "__main__":
    unittest.main()

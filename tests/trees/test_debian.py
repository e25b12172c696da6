# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the kernel reads the trees of Debian's kernel packages as an independent reader does. The front
door fetches the packages for ./percival test."""

import sys
import unittest
from pathlib import Path
from typing import Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from comparison import Pair, compare  # noqa: E402  (the path has to be set first)
from frontdoor.foreign_packages import BACKPORTS_KERNEL, KERNEL, ForeignPackage  # noqa: E402
from frontdoor.testing import EXIT_SKIPPED, SKIP_MARK  # noqa: E402

# Of the trees that name a console, the share whose console the kernel must take. The others name one for
# which it has no driver, such as a mailbox.
SHARE_WITH_CONSOLE = 0.97
PACKAGES = (KERNEL, BACKPORTS_KERNEL)
FEWEST_TREES = 500  # of a package; Linux 6.1 has more


def trees_of(package: ForeignPackage) -> Dict[str, bytes]:
    """Returns the trees of an unpacked package, by their paths."""
    return {
        str(path.relative_to(package.directory)): path.read_bytes()
        for path in sorted(package.directory.rglob("*.dtb"))
    }


class DebianTest(unittest.TestCase):
    pairs: Dict[str, Pair]

    @classmethod
    def setUpClass(cls) -> None:
        cls.pairs = {}
        for package in filter(ForeignPackage.present, PACKAGES):
            trees = trees_of(package)
            assert len(trees) > FEWEST_TREES, f"{package.title} has {len(trees)} trees only"
            cls.pairs.update(compare(trees))

    def test_every_tree_is_read(self) -> None:
        refused: List[str] = [f"{name}: {pair.error}" for name, pair in self.pairs.items() if pair.error]
        self.assertEqual(refused, [])

    def test_controller_cpus_and_memory_are_what_the_tree_says(self) -> None:
        wrong = [f"{name}: {what}" for name, pair in self.pairs.items() for what in pair.differences]
        self.assertEqual(wrong, [])

    def test_nearly_every_console_that_a_tree_names_is_taken(self) -> None:
        named = {name: pair for name, pair in self.pairs.items() if pair.expected.console is not None}
        lacking = [name for name, pair in named.items() if not pair.console_is_right]
        print(f"{len(lacking)} of {len(named)} consoles are not taken:", *lacking, sep="\n  ")
        self.assertGreaterEqual(len(named) - len(lacking), SHARE_WITH_CONSOLE * len(named))


if __name__ == "__main__":
    missing = [package for package in PACKAGES if not package.present()]
    for package in missing:
        print(f"{SKIP_MARK}{package.missing('./percival test fetches it')}")
    if len(missing) == len(PACKAGES):
        sys.exit(EXIT_SKIPPED)
    unittest.main()

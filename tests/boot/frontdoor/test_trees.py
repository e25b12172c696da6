# SPDX-License-Identifier: BSD-2-Clause
"""Tests the trees of the boot tests: an edit that changes nothing is an error, and so is a missing tree."""

import unittest
from typing import Callable, Tuple
from unittest import mock

import support  # noqa: F401
import run_row
from board_trees import BOARD_TREES
from damage import DAMAGED_IMAGES, DAMAGED_TREES
from frontdoor import qemu_probe
from loader import NO_TREE
from matrix import ROWS
from row import Row
from tree_text import TreeText
from trees import DEVICE_TREES, TREES

TEXT = """/dts-v1/;

/ {
	cpus {
		cpu@0 {
			reg = <0x00>;
			enable-method = "psci";
		};

		cpu@1 {
			reg = <0x01>;
			on;
		};
	};
};
"""


class TreeTextTest(unittest.TestCase):
    def test_a_node_is_removed_with_its_contents(self) -> None:
        tree = TreeText(TEXT)
        tree.remove("cpu@0")
        self.assertNotIn("psci", tree.text)
        self.assertIn("cpu@1 {", tree.text)
        tree.remove("cpus")
        self.assertEqual(tree.text.split(), ["/dts-v1/;", "/", "{", "};"])

    def test_a_property_is_replaced_in_its_own_node_only(self) -> None:
        tree = TreeText(TEXT)
        tree.replace("cpu@1", "reg", "<2>")
        self.assertIn("reg = <0x00>;", tree.node("cpu@0"))
        self.assertIn("reg = <2>;", tree.node("cpu@1"))
        self.assertNotIn("0x01", tree.text)
        tree.remove_property("cpu@1", "on")
        self.assertNotIn("on;", tree.text)

    def test_an_edit_without_effect_raises(self) -> None:
        tree = TreeText(TEXT)
        edits: Tuple[Callable[[], object], ...] = (
            lambda: tree.remove("cpu@2"),
            lambda: tree.add("cpu@2", "x;"),
            lambda: tree.replace("cpu@1", "enable-method", '"psci"'),
            lambda: tree.insert_before("timer", "x {};"),
        )
        for edit in edits:
            with self.assertRaises(ValueError):
                edit()
        self.assertEqual(tree.text, TEXT)

    def test_a_reservation_is_added_to_the_block(self) -> None:
        tree = TreeText(TEXT)
        tree.reserve(0x1000, 0x20)
        self.assertTrue(tree.text.startswith("/dts-v1/;\n/memreserve/ 0x1000 0x20;\n"))


class RowsTest(unittest.TestCase):
    def test_every_tree_that_a_row_names_exists_and_every_tree_is_used(self) -> None:
        named = {row.tree for row in ROWS if row.tree}
        files = {file.name for file in DEVICE_TREES.glob("*.dts")}
        self.assertEqual(named, set(TREES) | set(DAMAGED_TREES) | set(BOARD_TREES) | {NO_TREE} | files)

    def test_every_damage_of_the_image_is_in_a_row(self) -> None:
        self.assertEqual({row.damage for row in ROWS if row.damage}, set(DAMAGED_IMAGES))

    def test_a_row_with_a_machine_that_qemu_does_not_know_is_skipped_with_a_reason(self) -> None:
        with mock.patch.object(qemu_probe, "machines", lambda: frozenset({"virt"})):
            self.assertIn("raspi4b", run_row.reason_to_skip(Row("x", board="raspi4b", tree="raspi4b.dts")))


if __name__ == "__main__":
    unittest.main()

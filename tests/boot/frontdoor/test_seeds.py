# SPDX-License-Identifier: BSD-2-Clause
"""Tests the damage that seeds make, and the judgement of a run with it."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import List

import support  # noqa: F401
from damage_by_seed import (
    BASES,
    KINDS,
    MOST_CHANGES,
    SERIAL,
    UART,
    Kind,
    base_of,
    damaged_image,
    damaged_tree,
    kind_of,
)
from flat_tree import HEADER_BYTES, FlatTree
from run_seeds import Ended, Seen, changed, wrong
from tree_text import TreeText

SEEDS_OF_SUITE = range(30)
SEEDS_OF_LONG_RUN = range(300)
TEXT = """/dts-v1/;
/memreserve/ 0x1000 0x20;

/ {
	#address-cells = <1>;
	#size-cells = <1>;

	soc@8000000 {
		#address-cells = <1>;
		#size-cells = <1>;
		ranges = <0x00 0x8000000 0x4000000>;

		serial@1000000 {
			compatible = "arm,pl011";
			reg = <0x1000000 0x1000>;
		};
	};

	pl011@9000000 {
		compatible = "arm,pl011";
		reg = <0x9000000 0x1000>;
	};

	chosen {
		bootargs = "selftest.list";
	};
};
"""


def blob(uart: str = UART) -> bytes:
    """Returns the compiled tree, in which the UART of the root has that name."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tree.dtb"
        TreeText(TEXT.replace(UART, uart)).compile(path)
        return path.read_bytes()


def seen(*lines: str, exit_code: int = 2) -> Seen:
    """Returns a run that printed these lines and ended by itself."""
    return Seen(list(lines), exit_code)


class DamageTest(unittest.TestCase):
    def test_the_suite_has_each_kind_and_each_tree_and_the_long_run_each_kind_with_each_tree(self) -> None:
        self.assertEqual({kind_of(seed) for seed in SEEDS_OF_SUITE}, set(Kind))
        self.assertEqual({base_of(seed) for seed in SEEDS_OF_SUITE}, set(BASES))
        both = {(kind_of(seed), base_of(seed)) for seed in SEEDS_OF_LONG_RUN}
        self.assertEqual(len(both), len(set(KINDS)) * len(BASES))

    def test_a_seed_changes_up_to_8_bytes_of_one_block_or_cuts_the_tree_and_always_in_the_same_way(
        self,
    ) -> None:
        wholes = {uart: blob(UART if uart == SERIAL else uart) for uart in {base.uart for base in BASES}}
        for seed in SEEDS_OF_LONG_RUN:
            kind = kind_of(seed)
            if kind.is_of_image:
                continue
            whole = wholes[base_of(seed).uart]
            tree = FlatTree(whole)
            blocks = {
                Kind.HEADER: range(HEADER_BYTES),
                Kind.RESERVATIONS: tree.reservations,
                Kind.STRUCTURE: tree.structure,
                Kind.STRINGS: tree.strings,
            }
            damaged = damaged_tree(seed, whole)
            self.assertEqual(damaged, damaged_tree(seed, whole))
            if kind is Kind.CUT:
                self.assertEqual(damaged, whole[: len(damaged)])
                self.assertLess(len(damaged), len(whole))
            else:
                places = changed(whole, damaged)
                self.assertLessEqual(len(places), MOST_CHANGES)
                self.assertLessEqual(set(places), set(blocks[kind]))

    def test_an_image_is_cut_or_one_bit_of_it_is_changed(self) -> None:
        whole = bytes(0x4_0000)
        names = {
            **{0: "_text", 0x2_0000: "_ZN1a15selftest_x_failsEv", 0x2_1000: "_etext"},
            **{0x3_0000: "_percpu_template", 0x3_2000: "_erodata", 0x3_FFE8: "_image_seal"},
        }
        with tempfile.TemporaryDirectory() as directory:
            nm = Path(directory) / "nm"
            nm.write_text("".join(f"{0xFFFF_0000 + at:016x} T {name}\n" for at, name in names.items()))
            for seed in SEEDS_OF_LONG_RUN:
                if kind_of(seed) is Kind.IMAGE_CUT:
                    damaged, _ = damaged_image(seed, whole, nm)
                    self.assertLess(len(damaged), len(whole))
                elif kind_of(seed) is Kind.IMAGE_BIT:
                    damaged, _ = damaged_image(seed, whole, nm)
                    self.assertEqual(sum(bin(byte).count("1") for byte in damaged), 1)


class FlatTreeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.tree = FlatTree(blob())

    def text_of(self, name: str) -> bytes:
        return bytes(self.tree.blob[at] for at in sorted(self.tree.bytes_of_device(name)))

    def test_a_device_on_a_bus_needs_the_bus_and_the_names_of_the_properties(self) -> None:
        self.assertEqual(
            [node.name for node in self.tree.path_to("serial@1000000")][1:], ["soc@8000000", "serial@1000000"]
        )
        text = self.text_of("serial@1000000")
        for needed in (b"soc@8000000\0", b"serial@1000000\0", b"arm,pl011\0", b"ranges\0", b"reg\0"):
            self.assertIn(needed, text)
        self.assertNotIn(b"pl011@9000000", text)

    def test_a_device_of_the_root_needs_its_node_only(self) -> None:
        text = self.text_of("pl011@9000000")
        self.assertIn(b"pl011@9000000\0", text)
        for other in (b"soc@8000000", b"reg\0", b"bootargs"):
            self.assertNotIn(other, text)


class JudgementTest(unittest.TestCase):
    def problems(self, run: Seen, kind: Kind = Kind.STRUCTURE, uart_is_whole: bool = True) -> List[str]:
        return wrong(kind, uart_is_whole, run)

    def test_a_run_that_says_why_it_ends_is_right(self) -> None:
        for exit_code in (0, 2):
            run = seen("panic: x", "percival: verdict: panic", exit_code=exit_code)
            self.assertEqual(self.problems(run), [])

    def test_a_silent_run_is_right_only_without_a_uart(self) -> None:
        self.assertNotEqual(self.problems(seen()), [])
        self.assertEqual(self.problems(seen(), uart_is_whole=False), [])

    def test_a_run_without_an_end_is_wrong(self) -> None:
        hung = Seen(["panic: x", "percival: verdict: panic"], None)
        self.assertEqual(self.problems(hung, uart_is_whole=False), ["it did not end"])

    def test_a_run_in_which_qemu_did_not_start_is_wrong(self) -> None:
        self.assertEqual(self.problems(seen(exit_code=1), uart_is_whole=False), ["QEMU could not start"])

    def test_a_message_without_a_verdict_is_wrong(self) -> None:
        self.assertNotEqual(self.problems(seen("machine: x")), [])

    def test_a_damaged_image_that_boots_is_wrong(self) -> None:
        booted = seen("1..0 # SKIP self-tests are listed, not run", "percival: verdict: passed", exit_code=0)
        self.assertTrue(booted.has_booted)
        self.assertEqual(self.problems(booted), [])
        self.assertNotEqual(self.problems(booted, Kind.IMAGE_BIT), [])

    def test_a_run_whose_end_is_told_needs_not_go_on(self) -> None:
        for line in ("1..50", "percival: this machine cannot be turned off; stopped"):
            run = Seen()
            with self.assertRaises(Ended):
                run.observe(line)
            self.assertEqual(self.problems(run), [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Tests what `percival bench --mca` takes from a disassembly, and what it says of the estimates."""

import sys
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401  (makes frontdoor importable)
from frontdoor import mca
from frontdoor.errors import Unavailable
from frontdoor.mca import Loop, assembly, estimate, estimate_kernel, loops


def function(name: str, *lines: str) -> str:
    """Returns a function of objdump's output, from address 0x1000 on."""
    turn = f"percival::(anonymous namespace)::benchmark_{name}()::$_0"
    full = f"percival::loop_over<{turn}>({turn} const&)::'lambda'(void const*, unsigned long)::__invoke(...)"
    code = [f"{0x1000 + 4 * at:016x}:      \t{line}" for at, line in enumerate(lines)]
    return "\n".join([f"{0x1000:016x} <percival::Loop {full}>:", *code])


def address(number: int) -> str:
    """Returns an address as objdump prints it."""
    return f"0x{number:016x} <somewhere+0x4>"


LOOP = ("add\tx9, x9, #0x1", "cmp\tx9, x1", f"b.lo\t{address(0x1004)}")
OUT_OF_LINE = "\n".join(
    [
        "0000000000002000 <sequences>:",
        "0000000000002000:      \tldxr\tx1, [x0]",
        f"0000000000002004:      \tcbnz\tw2, {address(0x2000)}",
        f"0000000000002008:      \tb\t{address(0x1008)}",
    ]
)


class LoopsTest(unittest.TestCase):
    def test_the_loop_is_found_with_labels_for_addresses(self) -> None:
        text = function("x", "bti\tc", f"cbz\tx1, {address(0x4000)}", "mov\tw0, #0x4       // =4", *LOOP)
        (loop,) = loops(text, [])
        self.assertEqual(loop.name, "x")
        self.assertEqual(
            loop.code,
            ["cbz x1, elsewhere", "mov w0, #0x4", "add x9, x9, #0x1", "cmp x9, x1", "b.lo again"],
        )

    def test_the_sequence_of_a_site_stands_where_the_site_branches_to_it(self) -> None:
        (loop,) = loops(
            "\n\n".join([function("x", "bti\tc", f"b\t{address(0x2000)}", *LOOP), OUT_OF_LINE]), []
        )
        self.assertEqual(loop.code[:4], ["b elsewhere", "ldxr x1, [x0]", "cbnz w2, elsewhere", "b elsewhere"])

    def test_a_loop_with_another_end_does_not_count(self) -> None:
        for other in ((LOOP[0], "cmp\tx9, #0x10", LOOP[2]), (*LOOP[:2], "b.eq" + LOOP[2][4:])):
            self.assertEqual(loops(function("x", "bti\tc", *other), []), [])

    def test_a_loop_within_a_turn_belongs_to_the_turn(self) -> None:
        (loop,) = loops(function("x", "bti\tc", *LOOP, *LOOP), [])
        self.assertEqual(len(loop.code), 6)

    def test_a_kernel_without_loops_is_an_error(self) -> None:
        with self.assertRaises(Unavailable):
            estimate_kernel(Path(sys.executable), [])

    def test_globs_choose(self) -> None:
        text = "\n\n".join(function(name, "bti\tc", *LOOP) for name in ("pin", "raw_add"))
        self.assertEqual([loop.name for loop in loops(text, ["raw_*"])], ["raw_add"])

    def test_damaged_text_gives_no_loops(self) -> None:
        for text in ("", "\n\n\n", "x" * 99, function("x"), function("x", f"b\t{address(0x1000)}")):
            self.assertEqual(loops(text, []), [])


class EstimateTest(unittest.TestCase):
    END = ["add x9, x9, #0x1", "cmp x9, x1", "b.lo again"]

    def test_every_cpu_has_an_estimate_and_longer_code_a_higher_one(self) -> None:
        chain = ["mul x1, x1, x1"] * 8
        short, long = estimate([Loop("short", self.END), Loop("long", [*chain, *self.END])]).rows
        for cpu in mca.CPUS:
            self.assertGreater(long.cycles[cpu], short.cycles[cpu] + 8)
        self.assertEqual(short.left_out, [])

    def test_what_the_models_leave_out_is_named(self) -> None:
        code = ["ldadd x1, x2, [x0]", "dsb ish", *self.END]
        (row,) = estimate([Loop("x", code)]).rows
        self.assertEqual(row.left_out, ["dsb*", "ldadd"])

    def test_a_loop_with_a_call_has_no_estimate(self) -> None:
        (row,) = estimate([Loop("x", ["bl elsewhere", *self.END])]).rows
        self.assertEqual((row.cycles, row.left_out), ({}, ["the functions it calls"]))

    def test_a_borrowed_model_is_named(self) -> None:
        line = mca.models_line(estimate([Loop("x", self.END)]))
        self.assertIn("cortex-a76 by A57", line)
        self.assertIn("neoverse-v2 by V2", line)

    def test_each_loop_has_labels_of_its_own(self) -> None:
        text = assembly([Loop("a", self.END), Loop("b", self.END)])
        self.assertIn("b.lo again0", text)
        self.assertIn("b.lo again1", text)

    def test_without_llvm_mca_a_message_names_it(self) -> None:
        with mock.patch.object(mca, "MCA", "no-such-mca"):
            with self.assertRaisesRegex(Unavailable, "no-such-mca cannot be run"):
                estimate([Loop("x", self.END)])


if __name__ == "__main__":
    unittest.main()

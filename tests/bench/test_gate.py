# SPDX-License-Identifier: BSD-2-Clause
"""Tests the gate of the benchmarks with made-up rows. The boots of its ctest row test the rest."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import List, Optional
from unittest import mock

import gate
from frontdoor.bench_rows import Row
from frontdoor.qemu_probe import PROGRAM
from frontdoor.testing import EXIT_SKIPPED
from gate import Reference, compare, differences

HERE = {gate.COMPILER: "19.1.7", PROGRAM: "10.0.2"}


def row(instructions: float, name: str = "add", **more: float) -> Row:
    """Returns a row on 4 CPUs."""
    return {"name": name, "mode": "local", "cpus": 4, "instructions": instructions, **more}


class CompareTest(unittest.TestCase):
    def test_more_than_2_percent_is_worse(self) -> None:
        for before, now, worse in (
            *((1.0, 1.0, 0), (1.0, 1.02, 0), (1.0, 1.03, 1), (1.0, 2.0, 1), (100.0, 102.0, 0)),
            *((100.0, 102.01, 1), (7834388.0, 7991075.0, 0), (7834388.0, 7991076.0, 1), (0.0, 0.01, 1)),
        ):
            self.assertEqual(len(compare([row(before)], [row(now)]).worse), worse, (before, now))

    def test_all_counts_are_compared(self) -> None:
        before, now = row(5.0, tables=3, tlbis=0, bytes=100), row(5.0, tables=4, tlbis=1, bytes=103)
        lines = compare([before], [now]).worse
        self.assertEqual(len(lines), 3, lines)
        self.assertIn("add (local, 4 CPUs): 3.00 tables became 4.00", lines)

    def test_a_row_that_only_one_side_has_is_worse(self) -> None:
        lines = compare([row(1.0, "old")], [row(1.0, "new")]).worse
        self.assertEqual(
            lines,
            [
                "old (local, 4 CPUs): is in the reference, but was not measured",
                "new (local, 4 CPUs): was measured, but is not in the reference",
            ],
        )

    def test_the_same_name_in_another_mode_or_on_other_cpus_is_another_row(self) -> None:
        rows: List[Row] = [row(1.0), {**row(4.0), "mode": "restart"}, {**row(9.0), "cpus": 1}]
        self.assertEqual(compare(rows, rows).worse, [])
        self.assertEqual(len(compare(rows, rows[:1]).worse), 2)

    def test_less_by_more_than_2_percent_is_better(self) -> None:
        self.assertEqual(len(compare([row(100.0)], [row(97.99)]).better), 1)
        self.assertEqual(compare([row(100.0)], [row(98.0)]).better, [])

    def test_boots_that_differ_by_a_hundredth_differ(self) -> None:
        self.assertEqual(differences([row(1.0)], [row(1.0)]), [])
        self.assertEqual(len(differences([row(1.0)], [row(1.01)])), 1)
        self.assertEqual(len(differences([row(1.0)], [])), 1)


class ReferenceTest(unittest.TestCase):
    def test_the_file_holds_what_was_written(self) -> None:
        reference = Reference("1", "2", 'a "reason"', [row(1.5), row(2.0, "b", tables=3)])
        self.assertEqual(Reference.of(reference.text()), reference)

    def test_a_damaged_file_is_an_error(self) -> None:
        good = json.loads(Reference("1", "2", "3", [row(1.0)]).text())
        for name in good:
            with self.assertRaises(ValueError):
                Reference.of(json.dumps({key: value for key, value in good.items() if key != name}))
        for text in ("", "[]", "{", json.dumps({**good, "rows": [{"name": "add"}]})):
            with self.assertRaises(ValueError):
                Reference.of(text)

    def test_the_file_of_the_tree_can_be_read_and_has_a_reason(self) -> None:
        reference = Reference.of(gate.REFERENCE.read_text())
        self.assertTrue(reference.reason.strip())
        self.assertGreater(len(reference.rows), 300)


class GateTest(unittest.TestCase):
    def run_gate(
        self, *boots: List[Row], reference: float = 1.0, qemu: str = "10.0.2", rewrite: Optional[str] = None
    ) -> "tuple[int, str]":
        """Runs the gate with what its boots measure; returns its exit code and what it prints."""
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            self.file = Path(name) / "reference.json"
            self.file.write_text(Reference("19.1.7", "10.0.2", "made up", [row(reference)]).text())
            versions = {**HERE, PROGRAM: qemu}
            for attribute, value in (
                ("REFERENCE", self.file),
                ("measured_rows", mock.Mock(side_effect=list(boots))),
                ("version_of", versions.get),
            ):
                stack.enter_context(mock.patch.object(gate, attribute, value))
            arguments = ["gate.py"] if rewrite is None else ["gate.py", "--rewrite", rewrite]
            stack.enter_context(mock.patch("sys.argv", arguments))
            out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            code = gate.main()
            self.written = Reference.of(self.file.read_text())
        return code, out.getvalue()

    def test_the_same_counts_pass(self) -> None:
        code, out = self.run_gate([row(1.0)], [row(1.0)])
        self.assertEqual(code, 0, out)

    def test_a_worse_row_fails_and_is_named(self) -> None:
        code, out = self.run_gate([row(2.0)], [row(2.0)])
        self.assertEqual(code, 1)
        self.assertIn("add (local, 4 CPUs): 1.00 instructions became 2.00", out)
        self.assertIn("--rewrite", out)

    def test_another_version_reports_and_is_a_skipped_test(self) -> None:
        code, out = self.run_gate([row(2.0)], [row(2.0)], qemu="10.1.0")
        self.assertEqual(code, EXIT_SKIPPED)
        self.assertRegex(out, r"(?m)^SKIP: NOT JUDGED: .* QEMU 10\.0\.2, .* 10\.1\.0; 1 rows")
        self.assertIn("add (local, 4 CPUs): 1.00 instructions became 2.00", out)

    def test_two_boots_that_differ_fail_with_any_version(self) -> None:
        for qemu in ("10.0.2", "10.1.0"):
            code, out = self.run_gate([row(1.0)], [row(1.01)], qemu=qemu)
            self.assertEqual(code, 1)
            self.assertIn("two boots differ", out)

    def test_a_better_row_passes_and_is_named(self) -> None:
        code, out = self.run_gate([row(1.0)], [row(1.0)], reference=2.0)
        self.assertEqual(code, 0)
        self.assertIn("better by more than 2 %", out)

    def test_rewriting_keeps_the_reason_and_the_versions(self) -> None:
        code, _ = self.run_gate([row(3.0)], qemu="10.1.0", rewrite="a lock more")
        self.assertEqual(code, 0)
        self.assertEqual(self.written, Reference("19.1.7", "10.1.0", "a lock more", [row(3.0)]))

    def test_rewriting_without_a_reason_fails(self) -> None:
        code, _ = self.run_gate([row(3.0)], rewrite=" ")
        self.assertEqual(code, 1)
        self.assertEqual(self.written.rows, [row(1.0)])


if __name__ == "__main__":
    unittest.main()

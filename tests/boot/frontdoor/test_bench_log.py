# SPDX-License-Identifier: BSD-2-Clause
"""Tests what is read from saved consoles of benchmarks: whole, damaged, cut and random ones."""

import random
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401  (makes frontdoor importable)
from frontdoor.bench_log import read_lines, read_log, titles
from frontdoor.errors import IoFailed

PASSED = "percival: verdict: passed"
CPU = "cpu: 0 to 3: Cortex-A72 r0p3"


def line(name: str, instructions: float = 1.0, mode: str = "-") -> str:
    """Returns the kernel's line for a result."""
    fields = f'"name":"{name}","mode":"{mode}","cpus":4,"instructions":{instructions:.2f}'
    return f"bench: {{{fields}}}"


class ReadLinesTest(unittest.TestCase):
    def test_a_whole_log_has_its_results_and_no_notes(self) -> None:
        machine = read_lines("m", ["U-Boot 2025.01", CPU, line("a"), "noise", line("b"), PASSED])
        self.assertEqual([row["name"] for row in machine.rows], ["a", "b"])
        self.assertEqual((machine.found, machine.notes), ([CPU], []))

    def test_a_damaged_result_is_left_out_and_named_with_its_line(self) -> None:
        machine = read_lines("m", [line("a"), line("b")[:-9], PASSED])
        self.assertEqual([row["name"] for row in machine.rows], ["a"])
        (note,) = machine.notes
        self.assertIn("line 2: not a benchmark result", note)

    def test_many_damaged_results_are_counted(self) -> None:
        machine = read_lines("m", [line("a"), *[line("b")[:-1]] * 50, PASSED])
        self.assertEqual((len(machine.notes), machine.notes[-1]), (6, "45 more damaged results"))

    def test_a_log_without_the_verdict_after_its_results_is_cut(self) -> None:
        for lines in ([line("a")], [line("a"), PASSED, line("b")]):
            self.assertIn("results may be missing", " ".join(read_lines("m", lines).notes))

    def test_another_verdict_than_passed_is_noted(self) -> None:
        machine = read_lines("m", [line("a"), "percival: verdict: panic"])
        self.assertEqual(machine.notes, ["the kernel's verdict is panic"])

    def test_of_several_results_the_lowest_counts_and_the_range_is_noted(self) -> None:
        machine = read_lines("m", [line("a", 3.0), line("a", 2.0), line("a", 4.0), line("a", 9, "x"), PASSED])
        self.assertEqual([row["instructions"] for row in machine.rows], [2.0, 9.0])
        self.assertEqual(machine.notes, ["a (-): 3 results from 2 to 4; the lowest is shown"])

    def test_the_same_result_twice_is_no_news(self) -> None:
        self.assertEqual(read_lines("m", [line("a"), line("a"), PASSED]).notes, [])


class ReadLogTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.path = Path(holder.name) / "log"

    def test_times_carriage_returns_and_noise_do_no_harm(self) -> None:
        self.path.write_bytes(f"\xff\0\r\n[1.5] {line('a')}\r\n\x1b[0m{PASSED}\r\n".encode("latin-1"))
        machine = read_log(self.path, "m")
        self.assertEqual((len(machine.rows), machine.notes), (1, []))

    def test_a_log_in_utf_16_can_be_read(self) -> None:
        self.path.write_bytes(f"{CPU}\r\n{line('a')}\r\n{PASSED}\r\n".encode("utf-16"))
        self.assertEqual(len(read_log(self.path, "m").rows), 1)

    def test_what_is_no_log_is_an_error_that_says_why(self) -> None:
        for path, why in (
            (self.path, "not there"),
            (self.path.parent, "no file"),
            (Path("/dev/zero"), "no file"),
        ):
            with self.assertRaisesRegex(IoFailed, why):
                read_log(path, "m")
        for content, why in (
            *(
                (b"", "no line begins"),
                (b"\0" * 99, "no line begins"),
                (b"bench: no such\n", "no line begins"),
            ),
            (line("a")[:30].encode(), "line 1: not a benchmark result"),
        ):
            self.path.write_bytes(content)
            with self.assertRaisesRegex(IoFailed, why):
                read_log(self.path, "m")

    def test_random_damage_gives_results_or_an_error(self) -> None:
        chance = random.Random(2)
        whole = "\n".join([CPU, *(line(f"b{at}", at, "local") for at in range(20)), PASSED]).encode()
        for _ in range(500):
            damaged = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
            for _ in range(chance.randrange(60)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            self.path.write_bytes(damaged)
            try:
                machine = read_log(self.path, "m")
            except IoFailed:
                continue
            self.assertTrue(len(machine.rows) == 20 or machine.notes, damaged)


class TitlesTest(unittest.TestCase):
    def test_logs_are_told_apart(self) -> None:
        paths = [Path(text) for text in ("x/pi.log", "x/a.log", "y/a.log", "y/a.log")]
        self.assertEqual(titles(paths), ["pi", "x/a.log", "y/a.log (1)", "y/a.log (2)"])


if __name__ == "__main__":
    unittest.main()

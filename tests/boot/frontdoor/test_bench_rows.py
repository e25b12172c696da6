# SPDX-License-Identifier: BSD-2-Clause
"""Tests the reader of benchmark results with good, damaged and random lines."""

import random
import unittest

import support  # noqa: F401  (makes frontdoor importable)
from frontdoor.bench_rows import DamagedRow, parse_line

GOOD = 'bench: {"name":"this_cpu_add","mode":"local","cpus":4,"instructions":1.00,"tables":3}'
ROW = {"name": "this_cpu_add", "mode": "local", "cpus": 4, "instructions": 1.0, "tables": 3}


class ParseLineTest(unittest.TestCase):
    def test_a_result_is_read(self) -> None:
        self.assertEqual(parse_line(GOOD), ROW)

    def test_what_a_terminal_or_a_tool_adds_is_no_damage(self) -> None:
        for line in (f"[12:00:01.5] {GOOD}", f"\x1b[0m{GOOD}\r", f"\ufffd{GOOD}", f"ttyUSB0 | {GOOD}"):
            self.assertEqual(parse_line(line), ROW, line)

    def test_other_lines_are_no_results(self) -> None:
        for line in ("", "bench: no benchmark matches x", "percival: verdict: passed", "name mode cpus"):
            self.assertIsNone(parse_line(line), line)

    def test_optional_fields_are_kept_and_unknown_ones_left_out(self) -> None:
        more = ',"cycles":2.5,"roots":"common","preset":"16k-47","colour":[1]}'
        self.assertEqual(
            parse_line(GOOD[:-1] + more), {**ROW, "cycles": 2.5, "roots": "common", "preset": "16k-47"}
        )

    def test_the_core_is_kept_and_no_other_text(self) -> None:
        core = '"core":"Cortex-A53 r0p4"'
        self.assertEqual(parse_line(f"{GOOD[:-1]},{core}}}"), {**ROW, "core": "Cortex-A53 r0p4"})
        for bad in ('"core":"<b>"', '"core":""', '"core":7', f'"core":"{"x" * 81}"'):
            with self.assertRaises(DamagedRow, msg=bad):
                parse_line(f"{GOOD[:-1]},{bad}}}")

    def test_values_that_no_kernel_prints_are_damage(self) -> None:
        for old, new in (
            *(("1.00", bad) for bad in ("-1", "NaN", "Infinity", "1e999", "true", '"1"', "null", "9" * 400)),
            *(("1.00", bad) for bad in ("[" * 3000, "9" * 5000)),
            *(("4", bad) for bad in ("0", "-1", "1.5", "false")),
            *(("this_cpu_add", bad) for bad in ("", "<script>", "a b", "x" * 200)),
            *((":3", bad) for bad in (":-1", ":0.5", ":{}")),
            ('"mode":"local"', '"mode":"local","mode":"restart"'),
        ):
            with self.assertRaises(DamagedRow, msg=new[:40]):
                parse_line(GOOD.replace(old, new, 1))

    def test_a_line_that_is_cut_anywhere_gives_no_result(self) -> None:
        for end in range(len(GOOD)):
            with self.subTest(GOOD[:end]):
                try:
                    self.assertIsNone(parse_line(GOOD[:end]))
                except DamagedRow:
                    pass

    def test_a_line_whose_beginning_is_lost_is_damage(self) -> None:
        for start in range(1, GOOD.index("instructions")):
            with self.assertRaises(DamagedRow, msg=GOOD[start:]):
                parse_line(GOOD[start:])

    def test_random_damage_gives_a_result_that_can_be_or_an_error(self) -> None:
        chance = random.Random(1)
        for _ in range(20000):
            text = list(GOOD)
            for _ in range(chance.randint(1, 3)):
                text[chance.randrange(len(text))] = chr(chance.choice((*range(128), 0xFFFD, 0x2028)))
            try:
                row = parse_line("".join(text))
            except DamagedRow:
                continue
            if row is not None:
                self.assertRegex(str(row["name"]), r"\A(\w+|-)\Z")
                self.assertTrue(isinstance(row["cpus"], int) and row["cpus"] > 0, row)
                self.assertTrue(0 <= float(row["instructions"]) < 2**64, row)


if __name__ == "__main__":
    unittest.main()

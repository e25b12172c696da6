# SPDX-License-Identifier: BSD-2-Clause
"""Tests the reader of the probes' results with good and damaged lines, and the tables made of them."""

import random
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401  (makes frontdoor importable)
from frontdoor import probe_tables
from frontdoor.bench_log import Machine, read_lines, read_log
from frontdoor.bench_rows import DamagedRow
from frontdoor.probe_rows import parse_line, said_lines

TLBS = [
    'probe: {"probe":"tlbs","cpu":0,"reads":1000,"beside":[1,2],"wrong":[0,0]}',
    'probe: {"probe":"tlbs","cpu":1,"reads":900,"beside":[0],"wrong":[7]}',
    'probe: {"probe":"tlbs","cpu":2,"reads":1000,"beside":[0],"wrong":[0]}',
]
DONE = 'probe: {"probe":"completion","form":"once","pairs":4,"tries":2000,"stale":3}'
SHAPE = (
    'probe: {"probe":"litmus","shape":"BBM+dsb.ishst-tlbiis-dsb-rel+acq","verdict":"forbidden","asks":"old",'
    '"tries":12,"fault":2,"new":10}'
)
SEEN = SHAPE.replace('"fault":2', '"old":2')
SAID = "probe: tlbs: not probed: there is one CPU"
VERDICT = "percival: verdict: passed"


def machine(title: str, *lines: str) -> Machine:
    """Returns a machine whose console had these lines."""
    return read_lines(title, [*lines, VERDICT])


def walk(pages: int, kind: str, roots: str, cycles: float) -> str:
    """Returns the kernel's line for a walk."""
    fields = f'"name":"walk_{kind}_{pages}","mode":"-","roots":"{roots}","cpus":4,"instructions":8.00'
    return f'bench: {{{fields},"cycles":{cycles:.2f}}}'


class ParseLineTest(unittest.TestCase):
    def test_each_kind_of_result_is_read(self) -> None:
        row = parse_line(f"[1.5] {TLBS[0]}\r")
        self.assertEqual(row, {"probe": "tlbs", "cpu": 0, "reads": 1000, "beside": [1, 2], "wrong": [0, 0]})
        row = parse_line(SHAPE)
        assert row is not None
        self.assertEqual((row["asks"], row["tries"], row["new"]), ("old", 12, 10))

    def test_words_are_no_results_and_are_kept_once(self) -> None:
        self.assertIsNone(parse_line(SAID))
        self.assertEqual(said_lines([SAID, TLBS[0], SAID, "bench: x"]), [SAID])

    def test_values_that_no_kernel_prints_are_damage(self) -> None:
        for line, old, new in (
            *((TLBS[0], "[0,0]", bad) for bad in ("[0]", "[0,0,0]", "[0,-1]", "[0,true]", "0", "[0,1.5]")),
            (TLBS[0], '"tlbs"', '"tlb"'),
            (TLBS[0], '"tlbs"', "[]"),
            (TLBS[0], "probe: {", "probe {"),
            (DONE, '"once"', '"twice"'),
            (DONE, '"stale":3', '"stale":2001'),
            (DONE, '"pairs":4', '"pairs":4,"pairs":4'),
            (SHAPE, '"new":10', '"new":9'),
            (SHAPE, "forbidden", "possible"),
            (SHAPE, "BBM", "<b>"),
        ):
            self.assertIn(old, line)
            with self.assertRaises(DamagedRow, msg=new):
                parse_line(line.replace(old, new))

    def test_a_line_cut_anywhere_is_no_other_result(self) -> None:
        for line in (*TLBS, DONE, SHAPE):
            for length in range(len(line)):
                try:
                    self.assertIsNone(parse_line(line[:length]))
                except DamagedRow:
                    pass

    def test_random_bytes_never_raise_anything_else(self) -> None:
        chooser = random.Random(1)
        for _ in range(500):
            text = list(chooser.choice((*TLBS, DONE, SHAPE)))
            for _ in range(chooser.randint(1, 4)):
                text[chooser.randrange(len(text))] = chr(chooser.randrange(256))
            try:
                parse_line("".join(text))
            except DamagedRow:
                pass


class LogTest(unittest.TestCase):
    def test_a_log_of_probes_only_is_whole_and_a_damaged_row_is_named(self) -> None:
        whole = machine("m", *TLBS, DONE, SHAPE)
        self.assertEqual((len(whole.probes), whole.rows, whole.notes), (5, [], []))
        damaged = machine("m", TLBS[0], DONE[:-1])
        self.assertEqual(len(damaged.probes), 1)
        self.assertIn("line 2: not a probe's result", damaged.notes[0])

    def test_a_log_that_ends_after_a_probe_is_cut(self) -> None:
        self.assertIn("results may be missing", " ".join(read_lines("m", [VERDICT, DONE]).notes))

    def test_a_log_in_which_a_probe_only_says_why_it_has_no_result_is_a_log(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log"
            path.write_text(f"{SAID}\n{VERDICT}\n")
            self.assertEqual(read_log(path, "m").said, [SAID])


class TablesTest(unittest.TestCase):
    def test_the_matrix_has_a_line_for_each_cpu_and_says_which_pairs_were_not_probed(self) -> None:
        title, *lines = probe_tables.matrix(machine("m", *TLBS).probes).splitlines()
        self.assertIn("at least 900", title)
        self.assertEqual(
            [line.split() for line in lines],
            [["cpu0", "cpu1", "cpu2"], ["cpu0", ".", "0", "0"], ["cpu1", "7", ".", "."]]
            + [["cpu2", "0", ".", "."]],
        )

    def test_of_many_cpus_only_those_that_read_anothers_page_are_shown(self) -> None:
        rows = [
            TLBS[1].replace('"cpu":1', f'"cpu":{cpu}').replace("[7]", "[7]" if cpu == 30 else "[0]")
            for cpu in range(40)
        ]
        title, *lines = probe_tables.matrix(machine("m", *rows).probes).splitlines()
        self.assertTrue(title.endswith("in 20 pairs of 40 CPUs: 7"), title)
        self.assertEqual(lines, ["cpu30 beside cpu0: 7"])

    def test_a_forbidden_outcome_that_was_seen_stands_out(self) -> None:
        self.assertNotIn("FORBIDDEN", probe_tables.litmus(machine("m", SHAPE).probes))
        self.assertIn("FORBIDDEN, seen 2", probe_tables.litmus(machine("m", SEEN).probes))
        allowed = SEEN.replace("forbidden", "allowed")
        self.assertNotIn("FORBIDDEN", probe_tables.litmus(machine("m", allowed).probes))

    def test_walks_of_two_boots_stand_side_by_side_by_pages(self) -> None:
        private = machine("a", walk(16, "global", "private", 9), walk(2, "global", "private", 5))
        common = machine("b", walk(2, "global", "common", 4), walk(2, "local", "private", 6))
        cycles, _ = probe_tables.report([private, common]).split("\n\n")
        self.assertEqual(
            [line.split()[:4] for line in cycles.splitlines()[2:]],
            [["2", "5.00", "4.00", "6.00"], ["16", "9.00", "-", "-"]],
        )

    def test_walks_on_several_counts_of_cpus_have_columns_of_their_own(self) -> None:
        one = walk(2, "global", "private", 5)
        both = machine("a", one, one.replace('"cpus":4', '"cpus":1').replace("5.00", "7.00"))
        _, heads, line = probe_tables.report([both]).split("\n\n")[0].splitlines()
        self.assertIn("4 CPUs, private, global  1 CPUs, private, global", heads)
        self.assertEqual(line.split(), ["2", "5.00", "7.00"])

    def test_walks_say_that_an_emulator_has_no_cycles(self) -> None:
        counted = walk(2, "global", "private", 5)
        without = counted.replace(',"cycles":5.00', "")
        self.assertIn("only a board counts", probe_tables.report([machine("a", without)]))
        self.assertNotIn("only a board counts", probe_tables.report([machine("a", counted)]))

    def test_what_a_probe_said_and_could_not_show_follows_its_tables(self) -> None:
        self.assertTrue(probe_tables.report([machine("m", SAID, DONE)]).endswith(SAID))

    def test_without_probes_and_walks_there_is_no_table(self) -> None:
        self.assertEqual(probe_tables.report([machine("m", "U-Boot")]), "")

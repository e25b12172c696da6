#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of how generated mutants are judged: which tests run, who reached what, the record and the score."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Dict, List, Sequence
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/mutants"))

import generated  # noqa: E402
import idle  # noqa: E402
import judge_code  # noqa: E402
import judge_host  # noqa: E402
import marks  # noqa: E402
import record  # noqa: E402
from judge_boot import Attribution, Reach, TestReach, judging_rows, ordered_rows, ordered_tests  # noqa: E402
from judge_host import HostTest  # noqa: E402
from machine_run import with_files  # noqa: E402
from points import Point  # noqa: E402
from population import sample  # noqa: E402
from record import Verdict, Verdicts  # noqa: E402
from schema import crosses  # noqa: E402
from score import alive, scores, suffices  # noqa: E402

# Mutant 1 makes a test fail, 2 changes nothing, 3 is in a process that the test forks, 4 never ends.
PROGRAM = """// A comment.
#include "tests/mutants/runtime/mutation.hpp"
#include <gtest/gtest.h>
using percival::mutation::is;
bool early = is(5);
TEST(Suite, One) { EXPECT_FALSE(is(1)); }
TEST(Suite, Two) { is(1); is(2); EXPECT_EXIT(is(3) ? exit(1) : exit(0), testing::ExitedWithCode(0), ""); }
TEST(Suite, Three) { while (is(4)) {} }
"""


def point(folder: str, ordinal: int = 0, start: int = 0, end: int = 1) -> Point:
    file = f"{folder}/a.cpp"
    identity = f"{file}|f|0123abcd|left out|{ordinal}"
    return Point(identity, file, 1, "left out", start, end, "x", "", True, False)


class Sample(unittest.TestCase):
    def test_a_seed_gives_the_same_sample_each_time_and_another_seed_another(self) -> None:
        everything = [point("mm", number, number, number + 1) for number in range(100)]
        self.assertEqual(sample(everything, 1, 10), sample(everything, 1, 10))
        self.assertNotEqual(sample(everything, 1, 10), sample(everything, 2, 10))
        self.assertEqual(sample(everything, 1, 1000), everything)

    def test_no_two_of_a_sample_cross(self) -> None:
        everything = [point("mm", number, number, number + 2) for number in range(10)]
        chosen = sample(everything, 1, 10)
        self.assertGreater(len(chosen), 1)
        pairs = [(one, other) for one in chosen for other in chosen if one != other]
        self.assertFalse([pair for pair in pairs if crosses(*pair)])

    def test_one_within_another_does_not_cross_it(self) -> None:
        outer, inner = point("mm", 0, 0, 10), point("mm", 1, 0, 5)
        self.assertFalse(crosses(outer, inner) or crosses(inner, outer))
        self.assertTrue(crosses(outer, point("mm", 2, 5, 11)))
        self.assertFalse(crosses(outer, point("mm", 2, 10, 11)))


class OnTheHost(unittest.TestCase):
    def test_a_mutant_meets_the_tests_that_reach_it(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name)
            source, program = tree / "a.cpp", tree / "build" / judge_host.HOST / "tests" / "host" / "a"
            source.write_text(PROGRAM)
            program.parent.mkdir(parents=True)
            sources = [str(source), str(ROOT / "tests/mutants/runtime/reach.cpp")]
            command = ["clang++-19", "-std=c++23", f"-I{ROOT}", *sources, "-o", str(program)]
            subprocess.run([*command, "-lgtest", "-lgtest_main"], check=True)
            with mock.patch.multiple(judge_host, HOST_PROGRAMS=("a",), START_S=1):
                judge = judge_host.HostJudge(tree)
                judge.note_reach()
                killed = {number: judge.kills(number) for number in range(1, 6)}
        reached = {number: sorted(test.name for test in tests) for number, tests in judge.reached.items()}
        one, two, three = "Suite.One", "Suite.Two", "Suite.Three"
        self.assertEqual(reached, {1: [one, two], 2: [two], 3: [two], 4: [three]})
        self.assertEqual({number for number, how in killed.items() if how}, {1, 3, 4})
        self.assertEqual(killed[3], "a: Suite.Two")
        self.assertTrue(judge.reaches(2))
        self.assertFalse(judge.reaches(5))

    def test_cheap_tests_run_first_and_groups_grow(self) -> None:
        tests = [
            *(HostTest("a", "Fast.One", 0.1), HostTest("b", "Fast.Two", 0.2)),
            *(HostTest("a", "Slow.One", 0.4), HostTest("a", "Slow.Two", 0.5)),
            HostTest("b", "Slow.Three", 9.0),
        ]
        found = judge_host.groups(list(reversed(tests)))
        self.assertEqual(found, [[tests[0]], [tests[1]], [tests[2], tests[3]], [tests[4]]])


class Idle(unittest.TestCase):
    def idle_after(self, *samples: idle.Sample) -> List[bool]:
        """Whether a process is idle, each time that it is looked at, every 15 s."""
        at = 0
        watch = idle.Idleness(lambda: samples[at], lambda: 15.0 * at)
        found = []
        for at in range(len(samples)):
            found.append(watch.lasts())
        return found

    def test_what_sleeps_for_long_and_takes_no_time_is_idle(self) -> None:
        self.assertEqual(self.idle_after((7, True), (7, True), (7, True)), [False, False, True])

    def test_what_waits_for_the_cpu_or_takes_time_is_not(self) -> None:
        self.assertFalse(any(self.idle_after(*[(7, False)] * 9)))
        self.assertFalse(any(self.idle_after(*((ticks, True) for ticks in range(9)))))

    def test_a_child_that_runs_is_a_part_of_the_process(self) -> None:
        script = "while :; do :; done & echo it runs; wait"
        with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as shell:
            assert shell.stdout is not None
            self.assertEqual(shell.stdout.readline(), b"it runs\n")
            while next(idle.threads(shell.pid))[1] != "S":  # the shell itself
                time.sleep(0.01)
            awake = not idle.sample(shell.pid)[1]
            os.killpg(shell.pid, signal.SIGKILL)
        self.assertTrue(awake)


class InMemory(unittest.TestCase):
    STATE = marks.MAGIC.ljust(marks.REACHED_AT, b"\0")

    def test_a_mutant_is_chosen_in_the_image(self) -> None:
        image = b"code" + self.STATE + b"more"
        chosen = marks.with_mutant(image, 0x1234)
        self.assertEqual(len(chosen), len(image))
        changed = [at for at, (one, other) in enumerate(zip(image, chosen)) if one != other]
        self.assertEqual(changed, [4 + marks.CHOSEN_AT, 5 + marks.CHOSEN_AT])
        with self.assertRaises(ValueError):
            marks.with_mutant(b"an Image without mutants", 1)

    def test_marks_are_found_in_sparse_memory_and_taken_once(self) -> None:
        with tempfile.NamedTemporaryFile() as memory:
            path, at = Path(memory.name), 3 << 20
            memory.truncate(64 << 20)
            memory.seek(at)
            reached = bytes(number in (1, 700) for number in range(marks.MAX_MUTANTS))
            memory.write(self.STATE + reached)
            memory.flush()
            self.assertEqual(marks.places(path), [at])
            self.assertEqual(marks.take(path, [at]), {1, 700})
            self.assertEqual(marks.take(path, [at]), set())

    def test_memory_becomes_files(self) -> None:
        command = ["-object", "memory-backend-ram,id=ram,size=1G,reserve=off", "-m", "1G"]
        found, memories = with_files(command, Path("/room"))
        memory = "memory-backend-file,id=ram,size=1G,mem-path=/room/memory0,share=on,reserve=off"
        self.assertEqual(found, ["-object", memory, "-m", "1G"])
        self.assertEqual(memories, [Path("/room/memory0")])

    def test_the_runtime_has_the_layout_that_the_judge_knows(self) -> None:
        source = (ROOT / "tests/mutants/runtime/mutation.hpp").read_text()
        self.assertIn(f"kMaxMutants = {marks.MAX_MUTANTS};", source)
        self.assertIn(f"kPageSize = {marks.REACHED_AT};", source)
        self.assertIn(f'State state{{"{marks.MAGIC[:-1].decode()}"', source)


class ByBoots(unittest.TestCase):
    def test_a_test_reaches_what_was_taken_after_it_or_after_the_one_before(self) -> None:
        attribution = Attribution()
        attribution.begin({1, 2}, 1.0)
        attribution.result("one", {3}, 1.5)
        attribution.result("two", {4}, 3.5)
        attribution.end({5})
        self.assertEqual([test.numbers for test in attribution.tests], [{1, 2, 3}, {3, 4}])
        self.assertEqual([test.cpu_s for test in attribution.tests], [0.5, 2.0])
        self.assertEqual(attribution.others, {1, 2, 5})

    def test_tests_that_reach_little_else_come_first(self) -> None:
        tests = [TestReach({1, 2, 3}, 0, "a"), TestReach({2}, 0, "b"), TestReach({1, 2}, 0, "c")]
        self.assertEqual([test.name for test in ordered_tests(1, tests)], ["c", "a"])

    def test_rows_that_reach_it_are_booted_as_far_as_there_is_time(self) -> None:
        rows: Dict[str, Reach] = {
            "dear": Reach({1}, 30.0),
            "cheap": Reach({1}, 1.0),
            "other": Reach({2}, 1.0),
            "dearest": Reach({1, 3}, 50.0),
        }
        self.assertEqual(ordered_rows(1, rows, 31.0), ["cheap", "dear"])
        self.assertEqual(ordered_rows(1, rows, 30.0), ["cheap"])
        self.assertEqual(ordered_rows(3, rows, 1.0), ["dearest"])

    def test_the_rows_are_of_the_build_that_has_the_mutants(self) -> None:
        rows = judging_rows()
        self.assertGreater(len(rows), 50)
        self.assertEqual({row.preset for row in rows}, {"4k-48"})


class ByCode(unittest.TestCase):
    def test_barriers_and_memory_orders_concern_the_emitted_code(self) -> None:
        def concerned(operator: str, original: str) -> bool:
            return judge_code.concerns_code(replace(point("mm"), operator=operator, original=original))

        self.assertTrue(concerned("memory order", "std::memory_order_acquire"))
        self.assertTrue(concerned("left out", "dsb<Shareability::InnerShareable, Access::Store>();"))
        self.assertTrue(concerned("order", "isb(); go();"))
        self.assertFalse(concerned("left out", "disbelieve();"))
        self.assertFalse(concerned("constant", "1"))

    def test_the_mutants_text_replaces_that_of_the_point(self) -> None:
        one = replace(point("mm", 0, 3, 6), mutated="xy")
        self.assertEqual(judge_code.mutated(b"abcdefgh", one), b"abcxygh")


class Record(unittest.TestCase):
    VERDICTS: Verdicts = {
        "mm/roots/roots.hpp|f|0123abcd|left out|0": Verdict.BY_HOST,
        "mm/roots/roots.hpp|f|0123abcd|left out|2": Verdict.SURVIVED,
        "mm/roots/roots.hpp|C::g|0123abcd|order|0": Verdict.BY_BOOT,
    }

    def test_it_is_read_as_it_was_written(self) -> None:
        text = record.render(self.VERDICTS)
        self.assertIn("mm/roots/roots.hpp\tf\t0123abcd\tleft out\th.s\n", text)
        self.assertEqual(record.parse(text), self.VERDICTS)

    def test_an_interrupted_run_goes_on_where_it_ended(self) -> None:
        everything = [point(folder, number) for folder in ("kernel/lib", "mm/roots") for number in range(4)]
        judged: List[Point] = []

        def two(points: Sequence[Point], tell: generated.Tell) -> None:
            for one in points[:2]:
                judged.append(one)
                tell(one, Verdict.BY_HOST, "")
            raise KeyboardInterrupt

        with tempfile.TemporaryDirectory() as name, mock.patch.object(
            record, "RECORD", Path(name) / "record"
        ):
            for _ in range(3):
                with mock.patch.object(generated, "judge", two), redirect_stdout(StringIO()):
                    with self.assertRaises(KeyboardInterrupt):
                        generated.judge_all(everything, everything[1:7], record.read(everything))
            self.assertEqual(judged, everything[1:7])
            self.assertEqual(set(record.read(everything)), {one.id for one in judged})

    def test_each_folder_has_a_file_and_both_folders_of_arch_are_one(self) -> None:
        folders = {point(f"{root}/cpu").folder for root in ("arch/arm64", "arch/arm64/include/arch")}
        self.assertEqual({record.file_of(folder).name for folder in folders}, {"arch-arm64-cpu.tsv"})

    def test_each_equivalent_has_a_reason(self) -> None:
        identity = next(iter(self.VERDICTS))
        self.assertEqual(record.parse_equivalents(f"# Why.\n{identity}\tis so\n"), {identity: "is so"})
        for wrong in (identity, f"{identity}\t ", f"x\ty", f"{identity}\ta\n{identity}\tb"):
            with self.assertRaises(ValueError):
                record.parse_equivalents(wrong)

    def test_the_equivalents_of_the_tree_can_be_read(self) -> None:
        for identity in record.equivalents():
            self.assertTrue((ROOT / identity.split("|")[0]).is_file(), identity)


class Scores(unittest.TestCase):
    POINTS: List[Point] = [point("mm/roots", number) for number in range(5)] + [point("kernel/lib")]
    VERDICTS: Verdicts = {
        one.id: verdict
        for one, verdict in zip(
            POINTS,
            (
                *(Verdict.BY_HOST, Verdict.BY_BOOT, Verdict.SURVIVED, Verdict.UNREACHED),
                *(Verdict.NOT_BUILT, Verdict.NOT_JUDGED),
            ),
        )
    }

    def test_what_was_not_built_and_equivalents_do_not_count(self) -> None:
        by_folder = scores(self.POINTS, self.VERDICTS, (), 9)
        self.assertEqual(list(by_folder), ["kernel/lib", "mm/roots"])
        self.assertEqual(by_folder["mm/roots"].percent, 50.0)
        marked = scores(self.POINTS, self.VERDICTS, (self.POINTS[2].id,), 1)["mm"]
        self.assertEqual((marked.killed, marked.alive, marked.equivalent), (2, 1, 1))

    def test_what_is_alive_is_shown_unless_it_is_equivalent(self) -> None:
        shown = alive(self.POINTS, self.VERDICTS, (self.POINTS[2].id,))
        self.assertEqual(len(shown), 1)
        self.assertTrue(shown[0].startswith(f"unreached: {self.POINTS[3].describe()}"))

    def test_a_sample_is_judged_as_a_whole_and_the_population_by_folder_and_to_the_end(self) -> None:
        points = [point("mm", number) for number in range(100)] + [point("kernel", n) for n in range(20)]
        killed: Verdicts = {one.id: Verdict.BY_HOST for one in points}
        for one in points[-3:]:
            killed[one.id] = Verdict.SURVIVED
        tops = scores(points, killed, (), 1)
        self.assertTrue(suffices(tops, is_sample=True))
        self.assertFalse(suffices(tops, is_sample=False))
        self.assertTrue(suffices(scores(points[:100], killed, (), 1), is_sample=False))
        del killed[points[0].id]
        self.assertFalse(suffices(scores(points[:100], killed, (), 1), is_sample=False))


if __name__ == "__main__":
    unittest.main()

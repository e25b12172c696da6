# SPDX-License-Identifier: BSD-2-Clause
"""Judges mutants by boots of one Image that has them all.

Which row of the boot matrix reaches what is noted once, without any mutant, and on the default machine also
which self-test does. A mutant is first judged by a few self-tests that reach it and little else, then by all
that reach it, then by the other rows in which it is reached. All machines count instructions (-icount), so a
verdict is the same each time, and a machine keeps one CPU of the host busy.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set, Tuple

import marks
from build_mutants import KERNEL, CannotBuild
from machine_run import Running, problems
from frontdoor import ktap
from matrix import ROWS
from row import Row
from run_row import reason_to_skip

DEFAULT = Row("default", icount=True)
# Boots with more CPUs, more tests or another build are left to CTest.
MAX_CPUS = 8
WHOLE_ROWS = ("passes_on_4_cpus_cortex-a53_gicv2_el2_8G_icount",)
FEW = 6  # self-tests that are tried first
MAX_ROWS_S = 40.0  # CPU time that the rows may take for one mutant
NOTE_LIMIT_S = 600
PATIENCE = 3
START_S = 4


def _runs_all_tests(row: Row) -> bool:
    return row.exit_code == 0 and "whole_report" in row.checks and "selftest=" not in row.append


def judging_rows() -> List[Row]:
    """The rows that judge: those of the default build that run only a part of the tests, and WHOLE_ROWS, as
    far as this machine can run them. All count instructions. What starts the kernel does not judge it."""
    return [
        replace(row, icount=True)
        for row in ROWS
        if row.name in WHOLE_ROWS
        or row.preset == KERNEL
        and row.cpus <= MAX_CPUS
        and not (row.loader or row.card)
        and not reason_to_skip(row)
        and not row.leftovers  # loader.S reads the ELF file of the tree for these
        and not _runs_all_tests(row)
        and "selftest.repeat" not in row.append
        and "every_mode" not in row.append
    ]


@dataclass
class Reach:
    """What a boot reaches without any mutant, and the CPU time that QEMU takes for it."""

    numbers: Set[int] = field(default_factory=set)
    cpu_s: float = 0.0


@dataclass
class TestReach(Reach):
    """The same for one self-test."""

    name: str = ""


class Attribution:
    """Attributes marks to self-tests. It is told of every result line, after which it takes the marks that
    were set since the last one. The machine runs on meanwhile, so some of these can be of the test that comes
    next: each test is held to reach what was taken after the test before it, too."""

    def __init__(self) -> None:
        self.tests: List[TestReach] = []
        self.others: Set[int] = set()
        self._before: Set[int] = set()
        self._cpu_s = 0.0

    def result(self, name: str, taken: Set[int], cpu_s: float) -> None:
        """A test has ended."""
        self.tests.append(TestReach(self._before | taken, cpu_s - self._cpu_s, name))
        self._before, self._cpu_s = taken, cpu_s

    def begin(self, taken: Set[int], cpu_s: float) -> None:
        """The first test begins."""
        self.others |= taken
        self._before, self._cpu_s = taken, cpu_s

    def end(self, taken: Set[int]) -> None:
        """The machine is off."""
        self.others |= taken


def ordered_tests(number: int, tests: Sequence[TestReach]) -> List[TestReach]:
    """Returns the tests that reach a mutant, first those that reach the fewest others."""
    return sorted((t for t in tests if number in t.numbers), key=lambda t: (len(t.numbers), t.name))


def ordered_rows(number: int, rows: Dict[str, Reach], room_s: float = MAX_ROWS_S) -> List[str]:
    """Returns the rows that reach a mutant, cheap ones first, as far as there is time. There is always time
    for one."""
    chosen: List[str] = []
    for name, reach in sorted(rows.items(), key=lambda entry: (entry[1].cpu_s, entry[0])):
        if number in reach.numbers and (reach.cpu_s <= room_s or not chosen):
            chosen.append(name)
            room_s -= reach.cpu_s
    return chosen


class BootJudge:
    """Judges by the kernel of a tree that was built with mutants."""

    def __init__(self, tree: Path, at_once: int) -> None:
        self.image = tree / "build" / KERNEL / "Image"
        self.rows = {row.name: row for row in judging_rows()}
        self.at_once = at_once
        self.default = Reach()
        self.tests: List[TestReach] = []
        self.reached_by_row: Dict[str, Reach] = {}
        self.start_s = 0.0

    def note_reach(self) -> None:
        """Boots the default machine and every row once, without a mutant. A row that fails then is not used;
        if the default machine fails, CannotBuild is raised."""
        with ThreadPoolExecutor(self.at_once) as pool:
            default = pool.submit(self._note_default)
            noted = {name: pool.submit(self._note_row, row) for name, row in self.rows.items()}
            default.result()
            for name, future in noted.items():
                reach = future.result()
                if reach is None:
                    print(f"mutants: {name} fails without any mutant, and is not used", flush=True)
                else:
                    self.reached_by_row[name] = reach

    def reaches(self, number: int) -> bool:
        """Whether any boot reaches the mutant."""
        return number in self.default.numbers or any(
            number in reach.numbers for reach in self.reached_by_row.values()
        )

    def kills(self, number: int) -> Optional[str]:
        """Returns how a boot with the mutant fails, or None if all pass."""
        with tempfile.TemporaryDirectory(prefix="percival-mutant-", dir="/dev/shm") as room:
            image = Path(room) / "Image"
            image.write_bytes(marks.with_mutant(self.image.read_bytes(), number))
            for row, limit_s in self._boots(number):
                wrong = problems(row, image, limit_s=limit_s)
                if wrong:
                    return f"{row.name}: {wrong[0].strip()}"
        return None

    def _boots(self, number: int) -> List[Tuple[Row, int]]:
        boots: List[Tuple[Row, int]] = []
        if number in self.default.numbers:
            tests = ordered_tests(number, self.tests) or sorted(self.tests, key=lambda t: t.cpu_s)[:1]
            for some in (tests[:FEW], tests if len(tests) > FEW else []):
                if some:
                    names = ",".join(test.name for test in some)
                    usual_s = self.start_s + sum(test.cpu_s for test in some)
                    boots.append((replace(DEFAULT, append=f"selftest={names}"), _limit(usual_s)))
        for name in ordered_rows(number, self.reached_by_row):
            boots.append((self.rows[name], _limit(self.reached_by_row[name].cpu_s)))
        return boots

    def _note_default(self) -> None:
        attribution = Attribution()
        where: List[Tuple[Path, List[int]]] = []
        suites: List[str] = []
        tests: List[str] = []

        def observe(line: str, running: Running) -> None:
            if running.has_ended:
                attribution.end(_take(where))
            elif line == ktap.VERSION:
                where.extend((memory, marks.places(memory)) for memory in running.memories)
                self.start_s = running.cpu_s
                attribution.begin(_take(where), self.start_s)
            match = ktap.RESULT.match(line.strip()) if where else None
            if match is None:
                return
            if line.startswith("  "):
                attribution.result(match["name"] or "", _take(where), running.cpu_s)
                tests.append(match["name"] or "")
            else:  # the suite of the tests so far
                suites.extend([match["name"] or ""] * (len(tests) - len(suites)))

        wrong = problems(DEFAULT, self.image, limit_s=NOTE_LIMIT_S, observe=observe, keep_memory=True)
        if wrong:
            raise CannotBuild(f"without any mutant, the default machine fails: {wrong[0]}")
        for test, suite in zip(attribution.tests, suites):
            test.name = f"{suite}.{test.name}"
        self.tests = attribution.tests
        self.default.numbers = attribution.others.union(*(test.numbers for test in self.tests))
        self.default.cpu_s = self.start_s + sum(test.cpu_s for test in self.tests)

    def _note_row(self, row: Row) -> Optional[Reach]:
        reach = Reach()

        def observe(line: str, running: Running) -> None:
            if not running.has_ended:
                reach.cpu_s = running.cpu_s
                return
            for memory in running.memories:
                reach.numbers |= marks.take(memory, marks.places(memory))

        wrong = problems(row, self.image, limit_s=NOTE_LIMIT_S, observe=observe, keep_memory=True)
        return None if wrong else reach


def _take(where: Sequence[Tuple[Path, List[int]]]) -> Set[int]:
    taken: Set[int] = set()
    for memory, places in where:
        taken |= marks.take(memory, places)
    return taken


def _limit(usual_s: float) -> int:
    return int(START_S + PATIENCE * usual_s)

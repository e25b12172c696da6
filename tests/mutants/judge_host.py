# SPDX-License-Identifier: BSD-2-Clause
"""Judges mutants by the host tests: only tests that reach a mutant run, in a process of their own.

Which test reaches what is noted once, without any mutant (runtime/reach.cpp), with the CPU time of each test.
Cheap tests run first. A process is killed when it takes far more CPU time than its tests do without mutants;
how busy the machine is has no influence.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from build_mutants import HOST, HOST_PROGRAMS, CannotBuild
from command import LIMITED
from idle import Idleness, sample

# Tests run in groups, a process for each. A group takes longer than the one before.
FIRST_S = 0.3
GROWTH = 4
# A mutated program may take so much of its usual CPU time, and some for its start.
PATIENCE = 5
START_S = 5
LOOK_EVERY_S = 5
MEMORY = 8 << 30


@dataclass(frozen=True)
class HostTest:
    program: str
    name: str
    cpu_s: float


def parse_reach(program: str, lines: Sequence[str]) -> Dict[HostTest, List[int]]:
    """Reads what runtime/reach.cpp wrote: the mutants that each test reaches."""
    reached: Dict[HostTest, List[int]] = {}
    for line in lines:
        name, microseconds, *numbers = line.split()
        reached[HostTest(program, name, int(microseconds) / 1e6)] = [int(number) for number in numbers]
    return reached


def groups(tests: Sequence[HostTest]) -> List[List[HostTest]]:
    """Splits tests into groups, each of one program: first the cheapest, which together take FIRST_S, then
    those that take GROWTH times as long, and so on."""
    found: List[Dict[str, List[HostTest]]] = []
    limit_s = total_s = 0.0
    for test in sorted(tests, key=lambda test: test.cpu_s):
        if not found or total_s + test.cpu_s > limit_s:
            found.append(defaultdict(list))
            limit_s, total_s = (limit_s * GROWTH or FIRST_S), 0.0
        total_s += test.cpu_s
        found[-1][test.program].append(test)
    return [group for by_program in found for group in by_program.values()]


class HostJudge:
    """Judges by the host programs of a tree that was built with mutants."""

    def __init__(self, tree: Path) -> None:
        self.programs = tree / "build" / HOST / "tests" / "host"
        self.reached: Dict[int, List[HostTest]] = defaultdict(list)

    def note_reach(self) -> None:
        """Runs all tests once without a mutant. Raises CannotBuild if one fails."""
        with tempfile.TemporaryDirectory(prefix="percival-reach-") as room:
            shards = os.cpu_count() or 1
            running: List["subprocess.Popen[bytes]"] = []
            for program in HOST_PROGRAMS:
                for shard in range(shards):
                    note = f"{room}/{program}.{shard}"
                    split = {"GTEST_TOTAL_SHARDS": str(shards), "GTEST_SHARD_INDEX": str(shard)}
                    running.append(self._start(program, [], {**split, "PERCIVAL_REACHED": note}))
                codes = [process.wait() for process in running[-shards:]]
                if any(codes):
                    raise CannotBuild(f"{program} fails without any mutant")
                for shard in range(shards):
                    lines = Path(f"{room}/{program}.{shard}").read_text(encoding="utf-8").splitlines()
                    for test, numbers in parse_reach(program, lines).items():
                        for number in numbers:
                            self.reached[number].append(test)

    def reaches(self, number: int) -> bool:
        """Whether any host test reaches the mutant."""
        return number in self.reached

    def kills(self, number: int) -> Optional[str]:
        """Returns which tests fail with the mutant, or None if all pass."""
        for tests in groups(self.reached.get(number, [])):
            if self._fails(number, tests):
                more = f" or one of {len(tests) - 1} more" if len(tests) > 1 else ""
                return f"{tests[0].program}: {tests[0].name}{more}"
        return None

    def _fails(self, number: int, tests: Sequence[HostTest]) -> bool:
        limit_s = int(START_S + PATIENCE * sum(test.cpu_s for test in tests))
        with tempfile.NamedTemporaryFile("w", prefix="percival-mutant-") as flags:
            flags.write("--gtest_filter=" + ":".join(test.name for test in tests) + "\n")
            flags.flush()
            options = [f"--gtest_flagfile={flags.name}", "--gtest_fail_fast", "--gtest_brief=1"]
            process = self._start(
                tests[0].program, options, {"PERCIVAL_MUTANT": str(number)}, (f"--cpu={limit_s}",)
            )
            idleness = Idleness(lambda: sample(process.pid))
            while True:
                try:
                    return process.wait(LOOK_EVERY_S) != 0
                except subprocess.TimeoutExpired:
                    if idleness.lasts():
                        process.kill()

    def _start(
        self, program: str, options: Sequence[str], environment: Mapping[str, str], limits: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*LIMITED, f"--as={MEMORY}", *limits, str(self.programs / program), *options],
            cwd=self.programs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )

# SPDX-License-Identifier: BSD-2-Clause
"""Builds the kernel and the host programs with many mutants in them.

A mutant that does not compile is found by the place of the compiler's error, and left out of the next try. So
one bad mutant costs one more try, not the build.
"""

from __future__ import annotations

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Set, Tuple

from command import run
from marks import MAX_MUTANTS
from points import Point
from population import options
from schema import Source, by_file, instrument, without_crossings
from tree_copy import copy_tree

KERNEL = "4k-48"
HOST = "host"
HOST_PROGRAMS = (
    "percival_host_tests",
    "percival_timer_tests",
    "percival_watchdog_tests",
    "percival_cache_tests",
    "percival_percpu_store_tests_4k",
    "percival_percpu_store_tests_64k",
    "percival_register_values_4k-48",
    "percival_register_values_4k-52",
    "percival_register_values_64k-52",
    "percival_memory_order_tests",
    "percival_percpu_memory_order_tests",
    "percival_explored_tests",
    "percival_explored_cpu_tests",
    "percival_kernel_machine_tests",
)
PLACE = re.compile(r"^(/[^:\n]+):(\d+):(\d+): (error|note):", re.MULTILINE)
MAX_TRIES = 40
NEAR_LINES = 10
# The compiler has to know all values here.
CONSTANTS = "arch/arm64/boot/asm_offsets.cpp"


class CannotBuild(Exception):
    """The tree does not build, and no mutant is to blame."""


def _errors(output: str) -> str:
    """Returns what a failed build says about its errors, or else the end of its output."""
    found = [line for line in output.splitlines() if "error:" in line or line.startswith("FAILED")]
    return "\n".join(found[:20]) or output[-3000:]


class Build:
    """A copy of the tree with mutants in it. `numbers` are those of the mutants that it has; `broken` are
    those that do not compile. The ids of broken ones are kept in a file beside the tree, so that they cost
    nothing next time. Mutants that cross another one are left out."""

    def __init__(self, root: Path, tree: Path, points: Sequence[Point]) -> None:
        self.root = root
        self.tree = tree
        self.kept = tree.parent / "broken"
        known = set(self.kept.read_text(encoding="utf-8").splitlines() if self.kept.is_file() else ())
        self.broken = {point for point in points if point.id in known}
        self.sources: Dict[str, Source] = {}
        numbered: List[Point] = []
        for _, group in by_file(points).items():
            numbered += without_crossings(group)[0]
        # Broken ones have a number, too: a second build of the same mutants compiles what changed only.
        self.numbers: Dict[Point, int] = {
            point: number for number, point in enumerate(numbered, 1) if point not in self.broken
        }
        if len(numbered) >= MAX_MUTANTS:
            raise CannotBuild(f"a build has at most {MAX_MUTANTS - 1} mutants")

    def write(self) -> None:
        """Writes the tree with the mutants that are left."""
        self.sources = {
            file: instrument((self.root / file).read_bytes(), {point: self.numbers[point] for point in group})
            for file, group in by_file(self.numbers).items()
        }
        changed = {file: source.text for file, source in self.sources.items()}
        if (self.root / CONSTANTS).is_file():
            changed[CONSTANTS] = b"#define PERCIVAL_WITHOUT_MUTANTS\n" + (self.root / CONSTANTS).read_bytes()
        copy_tree(self.root, self.tree, changed)

    def build(self, preset: str, settings: Sequence[str], targets: Sequence[str]) -> None:
        """Builds until it succeeds. Raises CannotBuild if an error is in no mutant's text."""
        self.write()
        configure = ["cmake", "--preset", preset, *settings]
        code, output = self.run(configure)
        if code != 0:
            raise CannotBuild(output[-3000:])
        for _ in range(MAX_TRIES):
            command = [
                "cmake",
                "--build",
                f"build/{preset}",
                f"-j{os.cpu_count()}",
                *(f"--target={t}" for t in targets),
            ]
            code, output = self.run([*command, "--", "-k", "0"])
            if code == 0:
                return
            blamed = self.blamed(output)
            if not blamed:
                raise CannotBuild(_errors(output))
            self.leave_out(blamed)
        raise CannotBuild(f"{MAX_TRIES} tries were not enough")

    def sift(self) -> None:
        """Leaves out the mutants for which a file does not even compile alone. That is cheaper than to find
        them in a build, where all that includes a header is compiled again."""
        self.write()
        suspects: Sequence[str] = list(self.sources)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            while suspects:
                blamed = {
                    file: self.blamed(output)
                    for file, output in zip(suspects, pool.map(self._check, suspects))
                }
                suspects = [file for file in suspects if blamed[file]]
                if suspects:
                    self.leave_out(set().union(*blamed.values()))

    def _check(self, file: str) -> str:
        compiler = ["clang++-19", "-fsyntax-only", "-ferror-limit=0", *options(self.tree), "-x", "c++"]
        return self.run([*compiler, str(self.tree / file)])[1]

    def build_all(self) -> None:
        """Builds the kernel and the host programs, all with the same mutants."""
        self.sift()
        while True:
            self.build(KERNEL, ["-DCMAKE_CXX_FLAGS=-w -ferror-limit=0"], [])
            kernel = len(self.broken)
            settings = [f"-DPERCIVAL_MUTANTS_OF={self.root}", "-DCMAKE_CXX_FLAGS=-ferror-limit=0"]
            self.build(HOST, settings, HOST_PROGRAMS)
            if kernel == len(self.broken):
                return

    def blamed(self, output: str) -> Set[int]:
        """Returns the numbers of the mutants that the compiler's errors are about. If all errors are
        elsewhere, they are those in the notes, or else those near the errors."""
        numbers: Set[int] = set()
        from_notes: Set[int] = set()
        near: Set[int] = set()
        for match in PLACE.finditer(output):
            path = Path(match[1])
            name = str(path.relative_to(self.tree)) if path.is_relative_to(self.tree) else ""
            if name in self.sources:
                found = self.sources[name].numbers_at(int(match[2]), int(match[3]))
                (numbers if match[4] == "error" else from_notes).update(found)
                near.update(
                    number
                    for point, number in self.numbers.items()
                    if point.file == name and abs(point.line - int(match[2])) <= NEAR_LINES
                )
        return numbers or from_notes or near

    def leave_out(self, numbers: Iterable[int]) -> None:
        """Takes mutants out of the tree. The others keep their numbers."""
        gone = set(numbers)
        for point in [point for point, number in self.numbers.items() if number in gone]:
            del self.numbers[point]
            self.broken.add(point)
            with self.kept.open("a", encoding="utf-8") as file:
                file.write(point.id + "\n")
        print(f"mutants: {len(self.broken)} do not compile", file=sys.stderr, flush=True)
        self.write()

    def run(self, command: Sequence[str]) -> Tuple[int, str]:
        """Exit code and output of a command in the tree with mutants."""
        return run(command, self.tree)

# SPDX-License-Identifier: BSD-2-Clause
"""Judges mutants by the checks of the emitted code: barriers, memory orders and their like, which no emulator
shows. Here each mutant is built on its own, so it takes longer than the other judges and comes last.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from build_mutants import KERNEL, CannotBuild
from command import run
from points import Point
from tree_copy import copy_tree

# Tests that look at the linked kernel or at compiled functions, and boot nothing.
TESTS = ("test_emitted_code", "test_barriers")
ORDERING = re.compile(r"barrier|\b(dsb|dmb|isb|sev|wfe|sevl)\b|fence|\basm\b|tlbi|clean|invalidate|Access::")


def concerns_code(point: Point) -> bool:
    """Whether the checks of the emitted code may see the mutant."""
    if point.operator in ("weaker barrier", "memory order"):
        return True
    return point.operator in ("left out", "order") and ORDERING.search(point.original) is not None


def mutated(text: bytes, point: Point) -> bytes:
    """Returns a source with the mutant in it."""
    return text[: point.start] + point.mutated.encode() + text[point.end :]


class CodeJudge:
    """Judges in a copy of the tree."""

    def __init__(self, root: Path, tree: Path) -> None:
        """Builds the tree without a mutant. Raises CannotBuild if that fails, or a test does."""
        self.root = root
        self.tree = tree
        copy_tree(root, tree)
        build = tree / "build"
        (build / KERNEL).mkdir(parents=True, exist_ok=True)
        # The tests look at the debug build, too, where the same is emitted.
        if not (build / "debug").exists():
            (build / "debug").symlink_to(KERNEL)
        if not self._run("cmake", "--preset", KERNEL, "-DCMAKE_CXX_FLAGS=-w") or self._fails():
            raise CannotBuild("the checks of the emitted code fail without any mutant")

    def kills(self, point: Point) -> bool:
        """Whether a check fails with the mutant: one of the build or one of the tests."""
        copy = self.tree / point.file
        original = copy.read_bytes()
        copy.write_bytes(mutated(original, point))
        try:
            return self._fails()
        finally:
            copy.write_bytes(original)

    def _fails(self) -> bool:
        return not self._run("cmake", "--build", "--preset", KERNEL) or not self._run(
            sys.executable, "-m", "unittest", *TESTS, directory="tests/boot"
        )

    def _run(self, *command: str, directory: str = ".") -> bool:
        return run(command, self.tree / directory)[0] == 0

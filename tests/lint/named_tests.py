# SPDX-License-Identifier: BSD-2-Clause
"""What is named exists: the tests that mutants, rows of the boot matrix and the documentation ask for, the
text that mutants change, and the benchmarks that have a figure of Linux's. And each self-test that may be
skipped has a row of the matrix in which it must not be. When something is renamed, its old
name in one of these goes unnoticed until it is asked for there. Exit code 0: all of it exists.
"""

from __future__ import annotations

import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Iterable, List, Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / directory) for directory in ("scripts", "tests/boot", "tests/mutants")]

import matrix  # noqa: E402  (the path has to be set first)
import mutants  # noqa: E402
from frontdoor.linux_figures import STORED  # noqa: E402
from mutant import Mutant  # noqa: E402
from row import OF_MEMORY_IN_ONE_PIECE, Row  # noqa: E402
from tests_of_tree import (  # noqa: E402
    SelfTest,
    benchmarks,
    files,
    host_tests,
    is_host_test,
    self_tests,
)

SHOWN_TEST = re.compile(r"\bok \\d\+ (\w+)")  # in a pattern
PRINTED_TEST = re.compile(r"\bok \d+ (\w+)")  # in an example
ASKED = re.compile(r"\bselftest=([\w.*?,]*[\w*?])")
PLACEHOLDER = "GLOB"
# Self-tests that no row must run, each with the reason.
MAY_SKIP_EVERYWHERE = {
    **dict.fromkeys(OF_MEMORY_IN_ONE_PIECE, "the tests before decide whether memory is in one piece"),
}


def without_self_test(globs: Iterable[str], tests: Sequence[SelfTest]) -> List[str]:
    """The globs that select nothing, each in words."""
    return [
        f"no self-test matches {glob}"
        for glob in globs
        if not any(test.is_selected_by(glob) for test in tests)
    ]


def wrong_in_mutant(mutant: Mutant, root: Path, tests: Sequence[SelfTest]) -> List[str]:
    """What is wrong with a mutant."""
    needed = (mutant.file, *mutant.sources)
    lacking = [f"{name} does not exist" for name in needed if not (root / name).is_file()]
    return lacking or _wrong_text(mutant, root) + _wrong_judges(mutant, root, tests)


def _wrong_text(mutant: Mutant, root: Path) -> List[str]:
    count = (root / mutant.file).read_text().count(mutant.old)
    return [] if count == 1 else [f"its text stands {count} times in {mutant.file}"]


def _wrong_judges(mutant: Mutant, root: Path, tests: Sequence[SelfTest]) -> List[str]:
    if not mutant.sources:
        return without_self_test(mutant.selftests.split(","), tests)
    names = host_tests(root / source for source in mutant.sources)
    unknown = [glob for glob in mutant.tests.split(":") if not is_host_test(glob, names)]
    return [f"no test in its sources matches {glob}" for glob in unknown]


def globs_of(row: Row) -> List[str]:
    """Which self-tests a row runs."""
    words = [word for argument in row.boot_arguments for word in argument.split()]
    lists = [word.partition("=")[2] for word in words if word.startswith("selftest=")]
    return ",".join(lists or ["*"]).split(",")


def wrong_in_row(row: Row, tests: Sequence[SelfTest]) -> List[str]:
    """What is wrong with a row. One that has to run nothing must name what does not exist."""
    globs = globs_of(row)
    run = {test.name for test in tests if any(test.is_selected_by(glob) for glob in globs)}
    if "no_test_ran" in row.checks:
        return [f"it must run nothing, and runs {len(run)} self-test(s)"] if run else []
    shown = [name for pattern in row.shows for name in SHOWN_TEST.findall(pattern)]
    unknown = [name for name in shown if name not in run]
    nothing = without_self_test([*globs, *row.must_run, *row.may_skip], tests)
    return nothing + [f"it runs no test {name}" for name in unknown]


def skipped_everywhere(rows: Sequence[Row], tests: Sequence[SelfTest]) -> List[str]:
    """The self-tests that may be skipped in every row, unnoticed."""
    return [
        f"{test.full_name} may be skipped, and no row must run it"
        for test in tests
        if test.may_skip
        and not test.manual
        and test.full_name not in MAY_SKIP_EVERYWHERE
        and not any(
            row.must_not_skip(test.full_name) and any(test.is_selected_by(glob) for glob in globs_of(row))
            for row in rows
        )
    ]


def wrong_in_text(text: str, tests: Sequence[SelfTest]) -> List[str]:
    """What is wrong in a document or a test of boots: the globs that it asks for, and the tests it shows."""
    globs = [glob for globs in ASKED.findall(text) for glob in globs.split(",") if glob != PLACEHOLDER]
    names = {name for test in tests for name in (test.suite, test.name)}
    unknown = [name for name in PRINTED_TEST.findall(text) if name not in names]
    return without_self_test(globs, tests) + [f"there is no test {name}" for name in unknown]


def wrong_in_tree() -> List[str]:
    """All that is wrong, with the file and the entry it is wrong in."""
    tests = self_tests(ROOT)
    measured = benchmarks(ROOT)
    return [
        *(
            f"tests/mutants/{file}: '{mutant.name}': {what}"
            for file, listed in mutants.BY_FILE.items()
            for mutant in listed
            for what in wrong_in_mutant(mutant, ROOT, tests)
        ),
        *(
            f"tests/boot/{file}: {row.name}: {what}"
            for file, rows in matrix.BY_FILE.items()
            for row in rows
            for what in wrong_in_row(row, tests)
        ),
        *(f"tests/boot: {what}" for what in skipped_everywhere(matrix.ROWS, tests)),
        *(
            f"{path.relative_to(ROOT)}: {what}"
            for path in [*files(ROOT, ".md"), *sorted((ROOT / "tests" / "boot").glob("test_*.py"))]
            for what in wrong_in_text(path.read_text(), tests)
        ),
        *(
            f"scripts/frontdoor/linux_figures.py: there is no benchmark {name}"
            for name in STORED.figures
            if not any(fnmatchcase(name, glob) for glob in measured)
        ),
    ]


def main() -> int:
    """Prints what is wrong."""
    found = wrong_in_tree()
    print("\n".join(found) or "all that is named exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

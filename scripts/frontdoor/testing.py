# SPDX-License-Identifier: BSD-2-Clause
"""`percival test`: builds everything that the tests need, runs ctest, and prints which tests were skipped and
why."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, NoReturn, Optional, Sequence, Set, Tuple

from frontdoor import build, foreign_packages, ktap, setup
from frontdoor.errors import Unavailable, UsageError
from frontdoor.paths import LOGS, ROOT, build_dir
from frontdoor.progress import say

SUMMARY_MARK = "tests passed,"
SKIP_MARK = "SKIP: "
EXIT_SKIPPED = 77
# Bytes that ctest keeps of what a test prints. By default it keeps 1 KiB, which cuts the reports off.
MAX_OUTPUT = 1 << 20
LONG_TESTS = ("--build-config", "long", "--label-regex", "^long$")


def skip_all(reason: str) -> NoReturn:
    """Ends a test program of which nothing can run here."""
    print(f"{SKIP_MARK}{reason}", flush=True)
    sys.exit(EXIT_SKIPPED)


def _cases(junit: Path) -> Iterable[ElementTree.Element]:
    """Returns the tests of ctest's JUnit report, none if there is no report."""
    return ElementTree.parse(junit).getroot().iter("testcase") if junit.is_file() else ()


def skipped_tests(junit: Path) -> List[Tuple[str, str]]:
    """Returns the name and reason of every skipped test in ctest's JUnit report. The reason is the text
    that the test printed after SKIP_MARK."""
    skipped = []
    for case in _cases(junit):
        if case.find("skipped") is not None:
            lines = (case.findtext("system-out") or "").splitlines()
            reasons = [line[len(SKIP_MARK) :] for line in lines if line.startswith(SKIP_MARK)]
            skipped.append((case.get("name", "?"), reasons[-1] if reasons else "no reason given"))
    return skipped


def skipped_self_tests(junit: Path) -> List[Tuple[str, str]]:
    """Returns the name and reason of every self-test that was skipped in each row of the boot matrix that
    selected it, by the reports in ctest's JUnit report."""
    reasons: Dict[str, str] = {}
    ran: Set[str] = set()
    for case in _cases(junit):
        if not case.get("name", "").startswith("boot."):
            continue
        for name, result in ktap.read((case.findtext("system-out") or "").splitlines()).by_full_name:
            if result.skipped is None:
                ran.add(name)
            else:
                reasons.setdefault(name, result.skipped)
    return sorted((name, reason) for name, reason in reasons.items() if name not in ran)


def _print_skipped(title: str, skipped: Sequence[Tuple[str, str]]) -> None:
    if skipped:
        print(f"\n{title} ({len(skipped)}):")
    for name, reason in skipped:
        print(f"  {name}: {reason}")


def _ctest(command: Sequence[str]) -> Tuple[int, str]:
    """Runs ctest with its output live; returns its exit code and its summary line."""
    summary = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as ctest:
        assert ctest.stdout is not None
        for line in ctest.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if SUMMARY_MARK in line:
                summary = line.strip()
    return ctest.returncode, summary


def _provide_packages() -> None:
    """Fetches the packages that tests need parts of. What cannot be had is only reported: these tests are
    skipped."""
    for package in foreign_packages.of_tests():
        try:
            foreign_packages.provide(package)
        except Unavailable as error:
            say(f"tests will be skipped: {error}")


def test(arguments: Sequence[str], *, may_build: bool, long: bool) -> int:
    """Runs the command; returns ctest's exit code. `long` chooses the tests that are too long for every
    change, which ctest knows as those of a configuration. `--parallel` is the number of the host's CPUs. A
    test that keeps several of them busy tells ctest so (PROCESSORS), which then runs fewer tests at the same
    time."""
    if may_build:
        setup.ensure()
        _provide_packages()
        for preset in build.presets():
            build.build(preset)
    junit = LOGS / "ctest.xml"
    LOGS.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    code, summary = _ctest(
        [
            *(
                "ctest",
                "--test-dir",
                str(build_dir(build.HOST_PRESET)),
                "--output-on-failure",
                "--no-tests=error",
            ),
            *("--parallel", str(os.cpu_count() or 1), "--output-junit", str(junit)),
            *("--test-output-size-passed", str(MAX_OUTPUT)),
            *(LONG_TESTS if long else ()),
            *arguments,
        ]
    )
    _print_skipped("Skipped", skipped_tests(junit))
    _print_skipped("Self-tests skipped in all rows", skipped_self_tests(junit))
    if summary:
        print(f"\n{summary}", flush=True)
    elif code != 0:
        say(f"ctest failed with exit code {code}")
    return code


@dataclass(frozen=True)
class GeneratedMutants:
    """Which generated mutants to judge: `count` of them, or all, or none but those that are listed; and
    whether verdicts in the record count (not `afresh`)."""

    seed: Optional[int] = None
    count: Optional[int] = None
    all: bool = False
    afresh: bool = False

    def __post_init__(self) -> None:
        if self.all and self.count is not None:
            raise UsageError("give --count or --all, not both")
        if self.seed is not None and self.count is None:
            raise UsageError("--seed chooses a sample: give --count, too")
        if self.count is not None and self.count < 1:
            raise UsageError(f"--count takes a number from 1, not {self.count}")
        if self.afresh and not self.are_chosen:
            raise UsageError("--afresh is for generated mutants: give --count or --all, too")

    @property
    def are_chosen(self) -> bool:
        """Whether there are any."""
        return self.all or self.count is not None

    @property
    def command(self) -> List[str]:
        """The program in tests/mutants, and its options."""
        if not self.are_chosen:
            return ["run.py"]
        which = ["--all"]
        if self.count is not None:
            which = ["--count", str(self.count), "--seed", str(1 if self.seed is None else self.seed)]
        return ["generated.py", *which, *(["--afresh"] if self.afresh else [])]


def mutants(arguments: Sequence[str], generated: GeneratedMutants, *, may_build: bool) -> int:
    """`percival test --mutants`: shows that the tests fail if something is wrong in the kernel. Builds in a
    copy of the tree."""
    if may_build:
        setup.ensure()
    program, *options = generated.command
    return subprocess.call([sys.executable, str(ROOT / "tests" / "mutants" / program), *options, *arguments])

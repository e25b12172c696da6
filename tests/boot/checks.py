# SPDX-License-Identifier: BSD-2-Clause
"""What a console must show, by name. Each check takes the console's lines and the row of the matrix, and
returns what is wrong, in words; nothing when all is well.
"""

from __future__ import annotations

import collections
import re
from typing import Callable, Dict, List, Sequence

from frontdoor import ktap
from matrix import Row

Check = Callable[[Sequence[str], Row], List[str]]

SUMMARY = ("machine: ", "cpu: ", "features: ", "layout: ")
ROOT = re.compile(r"root: cpu(\d+) P:(0x[0-9a-f]+)")
FRAME = re.compile(r"\s*#\d+ +(?:V:)?0x[0-9a-f]{16}\b.* [A-Za-z_].*")
LISTED = re.compile(r"# (\w+\.\w+)( \(manual\))?")


def _has(lines: Sequence[str], pattern: str) -> bool:
    return any(re.search(pattern, line) for line in lines)


def _lacking(lines: Sequence[str], patterns: Dict[str, str]) -> List[str]:
    return [
        f"there is no {what} ({pattern})" for what, pattern in patterns.items() if not _has(lines, pattern)
    ]


def whole_report(lines: Sequence[str], row: Row) -> List[str]:
    """A KTAP report that keeps every rule and has no failure."""
    report = ktap.read(lines)
    return report.errors + [f"{test.name} failed" for test in report.failed]


def repeated_report(lines: Sequence[str], row: Row) -> List[str]:
    """Every test is reported twice, and passes both times."""
    report = ktap.read(lines)
    count = collections.Counter(
        f"{suite.name}.{test.name}" for suite in report.results for test in suite.leaves()
    )
    return whole_report(lines, row) + [
        f"{name} ran {times} times" for name, times in count.items() if times != 2
    ]


def failed_report(lines: Sequence[str], row: Row) -> List[str]:
    """A KTAP report that keeps every rule, and in which the one test that was asked for failed."""
    report = ktap.read(lines)
    asked = row.append.split("selftest=")[1].split()[0].split(".")[1]
    failed = [test.name for test in report.failed]
    return report.errors + ([] if failed == [asked] else [f"{failed} failed instead of {asked}"])


def no_test_ran(lines: Sequence[str], row: Row) -> List[str]:
    """It says so, and passes nothing."""
    return _lacking(lines, {"word that nothing matched": "no self-test (matches|ran)"})


def test_list(lines: Sequence[str], row: Row) -> List[str]:
    """Every test by its full name, those that run only on demand marked, and none twice."""
    listed = [match[1] for match in map(LISTED.fullmatch, lines) if match]
    manual = [match[1] for match in map(LISTED.fullmatch, lines) if match and match[2]]
    problems = [] if len(listed) == len(set(listed)) else ["a test is listed twice"]
    problems += [] if len(listed) > len(manual) > 0 else ["tests are missing in the list"]
    return problems + ([] if "demo.fails" in manual else ["demo.fails is not listed as run on demand"])


def summary(lines: Sequence[str], row: Row) -> List[str]:
    """Machine, CPU features, layout, and one root table for each CPU, no two the same."""
    problems = [
        f"there is no line '{start}…'"
        for start in SUMMARY
        if not any(line.startswith(start) for line in lines)
    ]
    roots = {int(match[1]): match[2] for match in map(ROOT.match, lines) if match}
    if sorted(roots) != list(range(row.cpus)):
        problems.append(f"root tables are shown for CPUs {sorted(roots)} instead of 0 to {row.cpus - 1}")
    if len(set(roots.values())) != len(roots):
        problems.append("CPUs share a root table")
    return problems


def panic_report(lines: Sequence[str], row: Row) -> List[str]:
    """What, where, on which CPU, during which test, and how it came there, by function names."""
    return _lacking(
        lines,
        {
            "cause with its CPU": r"^panic: cpu \d+: \S",
            "test during which": r"during self-test demo\.",
            "backtrace into the test": FRAME.pattern[:-2] + ".*selftest_demo_",
        },
    )


def exception_report(lines: Sequence[str], row: Row) -> List[str]:
    """A panic report that also has all registers and the syndrome, raw and in words."""
    registers = {f"register x{number}": rf"\bx{number} +0x[0-9a-f]{{16}}" for number in range(31)}
    more = {
        "program counter": r"\bpc +(V:)?0x[0-9a-f]{16}",
        "stack pointer": r"\bsp +(V:)?0x[0-9a-f]{16}",
        "processor state": r"\bpstate 0x[0-9a-f]+",
        "syndrome": r"\besr 0x[0-9a-f]+",
        "syndrome in words": r"(?i)^ +.*data abort",
        "fault address": r"\bfar (V:)?0x[0-9a-f]+",
    }
    return panic_report(lines, row) + _lacking(lines, {**registers, **more})


def overflow_report(lines: Sequence[str], row: Row) -> List[str]:
    """A panic that names the overflow."""
    return _lacking(lines, {"word of the overflow": r"^panic: .*stack overflow"})


def hang_report(lines: Sequence[str], row: Row) -> List[str]:
    """The test that hangs, and where every CPU is, by function names; that of the hung one is in the test."""
    problems = _lacking(
        lines,
        {
            "name of the test that hangs": r"hang: demo\.hangs",
            "backtrace into the test": FRAME.pattern[:-2] + ".*selftest_demo_hangs",
        },
    )
    for cpu in range(row.cpus):
        heads = [index for index, line in enumerate(lines) if re.match(rf"\W*cpu {cpu}\b", line)]
        if not any(FRAME.fullmatch(line) for head in heads for line in lines[head + 1 : head + 3]):
            problems.append(f"there is no backtrace of cpu {cpu}")
    return problems


CHECKS: Dict[str, Check] = {
    check.__name__: check
    for check in (
        whole_report,
        repeated_report,
        failed_report,
        no_test_ran,
        test_list,
        summary,
        panic_report,
        exception_report,
        overflow_report,
        hang_report,
    )
}

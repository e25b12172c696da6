# SPDX-License-Identifier: BSD-2-Clause
"""Checks of a console, by name. Each check takes the console's lines and the row of the matrix, and returns a
list of the problems found, in words.
"""

from __future__ import annotations

import collections
import re
from fnmatch import fnmatchcase
from typing import Callable, Dict, List, Sequence

from frontdoor import ktap
from frontdoor.boot_arguments import boot_arguments
from row import Row

Check = Callable[[Sequence[str], Row], List[str]]

SUMMARY = ("machine: ", "cpu: ", "features: ", "layout: ")
ROOT = re.compile(r"root: cpu0 P:0x[0-9a-f]+, percpu at V:0x[0-9a-f]+; of each next CPU (\d+) \w+ and ")
FRAME = re.compile(r"^#\d+ +V:0x[0-9a-f]{16} [A-Za-z_]\S*\+0x[0-9a-f]+$")
PERCPU_MODE = re.compile(r"# percpu: (\w+)")
PERCPU_MODES = ["local", "restart", "fixup", "guarded"]
ARGUMENT = re.compile(r"argument: (\S+) +(\S+) +(\S.*)")
LISTED = re.compile(r"# (\w+\.\w+)( \(manual\))?")


def _has(lines: Sequence[str], pattern: str) -> bool:
    return any(re.search(pattern, line) for line in lines)


def _lacking(lines: Sequence[str], patterns: Dict[str, str]) -> List[str]:
    return [
        f"there is no {what} ({pattern})" for what, pattern in patterns.items() if not _has(lines, pattern)
    ]


def _asked(row: Row) -> str:
    """Returns the full name of the test that the row asks for."""
    return next(word for word in row.append.split() if word.startswith("selftest=")).partition("=")[2]


def whole_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that there is a valid KTAP report without a failure, and that no test was skipped that the row
    must run."""
    report = ktap.read(lines)
    problems = report.errors + [f"{test.name} failed" for test in report.failed]
    return problems + _skipped_though_it_must_run(report, row)


def _skipped_though_it_must_run(report: ktap.Report, row: Row) -> List[str]:
    tests = report.by_full_name
    problems = [
        f"{name} was skipped: {test.skipped}"
        for name, test in tests
        if test.skipped is not None and row.must_not_skip(name)
    ]
    unknown = [glob for glob in row.must_run if not any(fnmatchcase(name, glob) for name, _ in tests)]
    return problems + [f"no test ran that matches {glob}" for glob in unknown]


def repeated_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that every test is reported as often as selftest.repeat says, and passes each time."""
    times = re.search(r"\bselftest\.repeat=(\d+)", row.append)
    if times is None:
        return [f"{row.name} does not set selftest.repeat"]
    return whole_report(lines, row) + _not_repeated(lines, int(times[1]))


def report_of_every_mode(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that every test is reported once in each mode of the this_cpu operations and passes each
    time."""
    modes = [match[1] for match in map(PERCPU_MODE.fullmatch, lines) if match]
    problems = [] if modes == PERCPU_MODES else [f"it ran in the modes {modes}"]
    return problems + whole_report(lines, row) + _not_repeated(lines, len(PERCPU_MODES))


def _not_repeated(lines: Sequence[str], wanted: int) -> List[str]:
    count = collections.Counter(name for name, _ in ktap.read(lines).by_full_name)
    return [f"{name} ran {times} times" for name, times in count.items() if times != wanted]


def failed_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that there is a valid KTAP report in which only the requested test failed."""
    report = ktap.read(lines)
    asked = _asked(row).split(".")[1]
    failed = [test.name for test in report.failed]
    return report.errors + ([] if failed == [asked] else [f"{failed} failed instead of {asked}"])


def no_test_ran(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the kernel says that no test matched or ran."""
    return _lacking(lines, {"word that nothing matched": "no self-test (matches|ran)"})


def test_list(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that every test is listed once by its full name, and that tests that run only on demand are
    marked."""
    listed = [match[1] for match in map(LISTED.fullmatch, lines) if match]
    manual = [match[1] for match in map(LISTED.fullmatch, lines) if match and match[2]]
    problems = [] if len(listed) == len(set(listed)) else ["a test is listed twice"]
    problems += [] if len(listed) > len(manual) > 0 else ["tests are missing in the list"]
    return problems + ([] if "demo.fails" in manual else ["demo.fails is not listed as run on demand"])


def argument_list(lines: Sequence[str], row: Row) -> List[str]:
    """The kernel's table of boot arguments, which is the one that the front door shows."""
    printed = [match.groups() for match in map(ARGUMENT.fullmatch, lines) if match]
    wanted = [(argument.usage, argument.default, argument.meaning) for argument in boot_arguments()]
    missing = [f"{argument} is not in the kernel's list" for argument in wanted if argument not in printed]
    return missing or ([] if printed == wanted else [f"the kernel's list is {printed}"])


def folded(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the kernel says that it runs with 48 bits, and that it shows the folded linear map."""
    return _lacking(
        lines,
        {
            "word of the folding": "this CPU translates 48 bits only",
            "folded linear map": "linear map +V:0xffff000000000000 ",
        },
    )


def summary(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that machine, CPU features, layout and the place of the root tables are shown, apart from each
    other unless the kernel says that all CPUs have the same."""
    problems = [
        f"there is no line '{start}…'"
        for start in SUMMARY
        if not any(line.startswith(start) for line in lines)
    ]
    distances = [int(match[1]) for match in map(ROOT.match, lines) if match]
    if len(distances) != 1:
        problems.append(f"there are {len(distances)} lines that tell where the root tables are")
    elif any(line.startswith("roots: common to all CPUs") for line in lines):
        if distances[0] != 0:
            problems.append("CPUs have root tables of their own")
    elif distances[0] == 0:
        problems.append("CPUs share a root table")
    return problems


def panic_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the panic report has cause, CPU, test, and a backtrace with function names."""
    return _lacking(
        lines,
        {
            "cause": r"^panic: \S",
            "CPU": r"^  on cpu \d+$",
            "test": rf"^  during self-test {re.escape(_asked(row))}$",
            "backtrace": FRAME.pattern,
        },
    )


def backtrace_into_the_test(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the backtrace reaches the test's own function."""
    function = f"selftest_{_asked(row).replace('.', '_')}"
    return _lacking(lines, {"frame of the test": rf"^#\d+ +V:0x[0-9a-f]+ \S*{function}\+0x"})


def exception_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the panic report also has all registers and the syndrome, raw and in words."""
    registers = {f"register x{number}": rf"\bx{number} +0x[0-9a-f]{{16}}\b" for number in range(31)}
    more = {
        "program counter with its function": r"\bpc +V:0x[0-9a-f]{16} \w\S*\+0x",
        "link register with its function": r"\blr +V:0x[0-9a-f]{16} \w\S*\+0x",
        "stack pointer": r"\bsp +0x[0-9a-f]{16}\b",
        "processor state": r"\bpstate 0x[0-9a-f]{8} EL1",
        "syndrome": r"\besr 0x[0-9a-f]{8}\b",
        "syndrome in words": r"^  data abort from the same exception level: translation fault, level [0-3]",
        "fault address": r"\bfar V:0x[0-9a-f]+",
    }
    return panic_report(lines, row) + _lacking(lines, {**registers, **more})


def overflow_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the panic names the stack overflow."""
    return _lacking(lines, {"word of the overflow": r"^panic: .*stack overflow"})


def _without_backtrace(lines: Sequence[str], row: Row) -> List[int]:
    """Returns the CPUs that have no backtrace with function names."""
    starts = {re.match(r"cpu(\d+)\b.*:$", line): following for line, following in zip(lines, lines[1:])}
    shown = {int(start[1]) for start, following in starts.items() if start and FRAME.fullmatch(following)}
    return [cpu for cpu in range(row.cpus) if cpu not in shown]


def hang_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the report names the hanging test and has a backtrace of every CPU."""
    without = [f"there is no backtrace of cpu {cpu}" for cpu in _without_backtrace(lines, row)]
    return _lacking(lines, {"name of the test": rf"^# hang: {re.escape(_asked(row))} after \d+ s$"}) + without


def masked_hang_report(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the report names the hanging test and has a backtrace of every CPU except CPU 0, which
    hangs with its interrupts masked and is named as silent."""
    without = _without_backtrace(lines, row)
    problems = [] if without == [0] else [f"there is no backtrace of CPUs {without} instead of [0]"]
    patterns = {
        "name of the test": rf"^# hang: {re.escape(_asked(row))} after \d+ s$",
        "word of the silent CPU": "^cpu0: does not answer, its interrupts are masked$",
    }
    return problems + _lacking(lines, patterns)


def no_power_off(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the machine was not turned off after its verdict. As QEMU has ended, it was reset then. For
    rows whose QEMU says so (SAYS_POWER_OFF in rows_ends.py)."""
    off = _has(lines, "qemu_system_shutdown_request reason=")
    problems = ["the machine was turned off"] if off else []
    return problems + _lacking(lines, {"verdict": r"^percival: verdict: \w+$"})


def refusal(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that the refusal names the feature that the CPU lacks."""
    return _lacking(
        lines, {"name of what is missing": r"this CPU has no 16 KiB granule \(ID_AA64MMFR0_EL1\.TGran16\)"}
    )


def shown(lines: Sequence[str], row: Row) -> List[str]:
    """Checks that every pattern of the row matches a line. Applies to every row."""
    return [f"no line matches {pattern}" for pattern in row.shows if not _has(lines, pattern)]


CHECKS: Dict[str, Check] = {
    check.__name__: check
    for check in (
        whole_report,
        repeated_report,
        report_of_every_mode,
        failed_report,
        no_test_ran,
        test_list,
        argument_list,
        summary,
        folded,
        panic_report,
        backtrace_into_the_test,
        exception_report,
        overflow_report,
        hang_report,
        masked_hang_report,
        no_power_off,
        refusal,
    )
}


def wrong(row: Row, exit_code: int, lines: Sequence[str]) -> List[str]:
    """Returns what is wrong with the end of a run of the row, and with its console."""
    problems = [] if exit_code == row.exit_code else [f"exit code {exit_code} instead of {row.exit_code}"]
    for name in row.checks:
        problems += [f"{name}: {problem}" for problem in CHECKS[name](lines, row)]
    return problems + shown(lines, row)

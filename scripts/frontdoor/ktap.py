# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of KTAP version 1, for the self-test report on the console.

It follows Linux Documentation/dev-tools/ktap.rst: a version line opens a level, `1..N` is its plan, results
are numbered in order, a level two spaces deeper is the subtest of the next result, and `#` lines are
diagnostics. Lines that it does not know are remarks on the next result, as diagnostics are: other console
output may be between. `Bail out!` is TAP's end of a run that was given up. The reader is stricter than that
text: every plan must be kept, a parent's result must agree with those of its children, and at least one test
must have run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Iterable, Iterator, List, Optional, Tuple

from frontdoor.console_line import kernel_text

VERSION = "KTAP version 1"
INDENT = 2
PLAN = re.compile(r"1\.\.(\d+)(?: # SKIP .*)?$")
RESULT = re.compile(
    r"(?P<not>not )?ok (?P<number>\d+)(?: (?:- )?(?P<name>[^#]*?))?(?: *# ?(?P<directive>.*))?$"
)
SUBTEST = re.compile(r"# Subtest: (.*)$")
BAIL_OUT = re.compile(r"Bail out! *(.*)$")
TOTALS = re.compile(r"# Totals: pass:(\d+) fail:(\d+) skip:(\d+)")


@dataclass
class Result:
    """One result line, with the results that are nested before it. `why` is its directive if it is not SKIP,
    such as TIMEOUT. `remarks` are the lines since the result before."""

    name: str
    ok: bool
    skipped: Optional[str] = None
    why: str = ""
    remarks: List[str] = field(default_factory=list)
    children: List["Result"] = field(default_factory=list)

    def leaves(self) -> Iterator["Result"]:
        """Yields the tests, without their suites."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass
class _Level:
    depth: int
    name: str = ""
    planned: Optional[int] = None
    results: List[Result] = field(default_factory=list)


@dataclass
class Report:
    """The results that were read, and an error for every broken rule. A report without `errors` is
    complete."""

    results: List[Result] = field(default_factory=list)
    errors: List[str] = field(default_factory=list)

    @property
    def tests(self) -> List[Result]:
        """All reported tests."""
        return [leaf for result in self.results for leaf in result.leaves()]

    @property
    def by_suite(self) -> List[Tuple[str, Result]]:
        """All reported tests, each with the name of its suite. A test outside of the suites has none."""
        return [
            ("" if test is suite else suite.name, test) for suite in self.results for test in suite.leaves()
        ]

    @property
    def by_full_name(self) -> List[Tuple[str, Result]]:
        """All reported tests, each with the name suite.test."""
        return [(f"{suite}.{test.name}" if suite else test.name, test) for suite, test in self.by_suite]

    @property
    def failed(self) -> List[Result]:
        """The reported tests that failed."""
        return [test for test in self.tests if not test.ok]


class _Reader:
    def __init__(self) -> None:
        self.report = Report()
        self.open: List[_Level] = []
        self.closed: Optional[_Level] = None
        self.remarks: List[str] = []
        self.totals: Optional["tuple[int, ...]"] = None
        self.finished = False

    def error(self, message: str) -> None:
        self.report.errors.append(message)

    def line(self, raw: str) -> None:
        text = kernel_text(raw).rstrip()
        body = text.lstrip(" ")
        depth, odd = divmod(len(text) - len(body), INDENT)
        if body == VERSION and not odd:
            self.version(depth)
        elif not self.open:
            return
        elif odd:
            self.remarks.append(text)
        elif plan := PLAN.match(body):
            self.plan(depth, int(plan[1]))
        elif RESULT.match(body):
            self.result(depth, body)
        elif depth == 0 and TOTALS.match(body):
            self.total(body)
        elif depth == 0 and (bail_out := BAIL_OUT.match(body)):
            self.error(f"the run was given up: {bail_out[1]}")
        elif (subtest := SUBTEST.match(body)) and depth < len(self.open):
            self.open[depth].name = subtest[1]
        elif text:
            self.remarks.append(text)

    def version(self, depth: int) -> None:
        if depth == 0 and (self.open or self.finished):
            self.error("a second report begins")
            return
        if depth != len(self.open):
            self.error(f"a level opens at depth {depth} where {len(self.open)} was due")
            return
        self.open.append(_Level(depth))

    def level(self, depth: int) -> Optional[_Level]:
        """Returns the open level to which a line at `depth` belongs. Closes deeper levels."""
        if depth >= len(self.open):
            self.error(f"a line at depth {depth} belongs to no open level")
            return None
        while len(self.open) > depth + 1:
            if self.closed is not None:
                self.error("subtests without a result of their own")
            self.closed = self.open.pop()
            self.close(self.closed)
        return self.open[depth]

    def close(self, level: _Level) -> None:
        if level.planned is None:
            self.error(f"a level at depth {level.depth} has no plan")
        elif level.planned != len(level.results):
            self.error(
                f"{level.planned} results were planned at depth {level.depth}, {len(level.results)} came"
            )

    def plan(self, depth: int, count: int) -> None:
        level = self.level(depth)
        if level is None:
            return
        if level.planned is not None:
            self.error(f"a second plan at depth {depth}")
        level.planned = count

    def result(self, depth: int, body: str) -> None:
        match = RESULT.match(body)
        level = self.level(depth)
        if level is None or match is None:
            return
        name, directive = (match["name"] or "").strip(), match["directive"] or ""
        skipped = directive[4:].strip() if directive.upper().startswith("SKIP") else None
        result = Result(name, match["not"] is None, skipped, "" if skipped is not None else directive)
        result.remarks, self.remarks = self.remarks, []
        if int(match["number"]) != len(level.results) + 1:
            self.error(f"result {match['number']} ({name}) where number {len(level.results) + 1} was due")
        if self.closed is not None:
            result.children, self.closed = self.closed.results, None
            if not result.children and skipped is None:
                self.error(f"{name} has no tests")
            if result.ok != all(child.ok for child in result.children):
                self.error(f"{name} does not agree with its subtests")
        level.results.append(result)

    def total(self, body: str) -> None:
        match = TOTALS.match(body)
        if match and self.level(0) is not None:
            self.totals = tuple(int(number) for number in match.groups())
            self.finish()

    def finish(self) -> None:
        """Ends the report, at its totals or at the end of the console."""
        if self.finished:
            return
        self.finished = True
        if not self.open:
            self.error("there is no KTAP report")
            return
        top = self.level(0)
        assert top is not None
        if self.closed is not None:
            self.error("subtests without a result of their own")
        self.close(top)
        if self.closed is not None and self.closed.results:
            top.results.append(Result(self.closed.name, False, children=self.closed.results))
        self.report.results, self.open = top.results, []
        tests = self.report.tests
        skipped = sum(test.ok and test.skipped is not None for test in tests)
        passed = sum(test.ok for test in tests) - skipped
        if passed + len(self.report.failed) == 0:
            self.error("no test ran")
        if self.totals is None:
            self.error("the totals are missing")
        elif self.totals != (passed, len(self.report.failed), skipped):
            self.error(
                f"the totals say pass, fail, skip = {self.totals}, but "
                f"{(passed, len(self.report.failed), skipped)} were reported"
            )


def read(lines: Iterable[str]) -> Report:
    """Reads the report on a console. Other output may come before, between and after its lines."""
    reader = _Reader()
    for line in lines:
        reader.line(line)
    reader.finish()
    return reader.report

# SPDX-License-Identifier: BSD-2-Clause
"""Writes a source in which all of its chosen mutants are present, and a number chooses one at run time.

An expression becomes `(mutation::is(7) ? (mutated) : (original))`, a statement an `if`. Points inside of the
original are mutated there, too. A point that crosses another, as two swaps with a common statement do, cannot
be in the same source: it is left to a later build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import Dict, Iterable, List, Sequence, Set, Tuple

from points import NUMBER, Point

INCLUDE = b'#include "tests/mutants/runtime/mutation.hpp"'


@dataclass
class Source:
    """An instrumented source, and where the texts of its mutants begin and end in it (by number)."""

    text: bytes
    spans: List[Tuple[int, int, int]] = field(default_factory=list)

    def numbers_at(self, line: int, column: int) -> Set[int]:
        """Returns the mutant whose text an error at a place is about, or none."""
        starts = [0]
        for match in re.finditer(b"\n", self.text):
            starts.append(match.end())
        if not 1 <= line <= len(starts):
            return set()
        at = starts[line - 1] + column - 1
        inside = [span for span in self.spans if span[0] <= at < span[1]]
        return {min(inside, key=lambda span: span[1] - span[0])[2]} if inside else set()


def crosses(one: Point, other: Point) -> bool:
    """Whether the texts of two points of one file overlap, and neither contains the other."""
    first, second = sorted((one, other), key=lambda point: (point.start, -point.end))
    return first.start < second.start < first.end < second.end


def without_crossings(points: Iterable[Point]) -> Tuple[List[Point], List[Point]]:
    """Splits points of one file into those that fit into one source and those that cross one of these."""
    fitting: List[Point] = []
    crossing: List[Point] = []
    for point in points:
        (crossing if any(crosses(point, other) for other in fitting) else fitting).append(point)
    return fitting, crossing


class _Writer:
    def __init__(self, text: bytes, numbers: Dict[Point, int]) -> None:
        self.text = text
        self.numbers = numbers
        self.out = bytearray()
        self.spans: List[Tuple[int, int, int]] = []

    def write(self, start: int, end: int, points: Sequence[Point]) -> None:
        """Writes the text from `start` to `end` with these points, all of which lie inside and cross none."""
        ordered = sorted(points, key=lambda p: (p.start, -p.end, not p.statement))
        at = start
        while ordered:
            first = ordered[0]
            here = [p for p in ordered if (p.start, p.end) == (first.start, first.end)]
            inner = [p for p in ordered if p not in here and p.start >= first.start and p.end <= first.end]
            ordered = [p for p in ordered if p not in here and p not in inner]
            self.out += self.text[at : first.start]
            self._choice(here, inner)
            at = first.end
        self.out += self.text[at:end]

    def _choice(self, here: Sequence[Point], inner: Sequence[Point]) -> None:
        is_statement = here[0].statement
        begin = len(self.out)
        around = self.text[here[0].start - 1 : here[0].start] + self.text[here[0].end : here[0].end + 1]
        if around == b"{}" and NUMBER.fullmatch(here[0].original):
            self.out += b"::percival::mutation::Number{static_cast<long long>"
            self._choose(here, inner, is_statement)
            self.out += b"}"
        else:
            self._choose(here, inner, is_statement)
        # An error outside of the mutated texts is about the choice as a whole.
        self.spans.append((begin, len(self.out), self.numbers[here[0]]))

    def _choose(self, here: Sequence[Point], inner: Sequence[Point], is_statement: bool) -> None:
        self.out += b"{ " if is_statement else b"("
        for point in here:
            call = "is_at_run_time" if point.constant else "is"
            test = f"::percival::mutation::{call}({self.numbers[point]}u)"
            mutated = " ".join(re.sub(r"//[^\n]*", "", point.mutated).split("\n"))
            self.out += (f"if ({test}) {{ " if is_statement else f"{test} ? (").encode()
            start = len(self.out)
            self.out += mutated.encode()
            self.spans.append((start - 1, len(self.out) + 1, self.numbers[point]))
            self.out += b" } else " if is_statement else b") : "
        self.out += b"{ " if is_statement else b"("
        self.write(here[0].start, here[0].end, inner)
        self.out += b" } }" if is_statement else b"))"


def instrument(text: bytes, numbers: Dict[Point, int]) -> Source:
    """Returns a source with the numbered points of it, which do not cross. Lines keep their numbers: the
    first one, a comment, gives way to the include."""
    first = re.compile(rb"//[^\n]*").match(text)
    if first is None:
        raise ValueError("the source does not begin with a comment")
    writer = _Writer(text, numbers)
    writer.out += INCLUDE
    writer.write(first.end(), len(text), list(numbers))
    return Source(bytes(writer.out), writer.spans)


def by_file(points: Iterable[Point]) -> Dict[str, List[Point]]:
    """Groups points by their file."""
    ordered = sorted(points, key=lambda p: (p.file, p.start, -p.end))
    return {file: list(group) for file, group in groupby(ordered, key=lambda p: p.file)}

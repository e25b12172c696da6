# SPDX-License-Identifier: BSD-2-Clause
"""How the results of benchmarks grow with the number of CPUs: a law for each count of each line, fitted to
what was measured, and a table of them.

A law is a summary of the numbers beside it and holds between the smallest and the largest of the measured
machines. Fewer than three numbers of CPUs fit every law, so there is none then. An exponent has to fit at
least four.
"""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from frontdoor.bench_rows import CONDITIONS, COUNTS, Row, Value
from frontdoor.bench_table import EXTRAS, OF_EXPERIMENTS, columns, number

MIN_POINTS = 3
MIN_POINTS_OF_A_POWER = 4
CONSTANT = 0.05  # how far a constant may be from the middle of its values, as a part of it
FITS = 0.05  # how far a law may be from any value, as a part of the value
EXPONENTS = tuple(step / 20 for step in range(1, 81))
LINEAR = 1.0

UNKNOWN = "unknown"
OTHER_WORK = "none: not the same work for each CPU"
SAME_WORK = 0.02  # how far numbers of operations may be apart: a part is lost to rounding
TITLES = {**EXTRAS, **OF_EXPERIMENTS}

Points = Mapping[int, float]


class Law(NamedTuple):
    """What a count is on n CPUs: base + each * n ** exponent. `kind` says what that is in a word. `error` is
    the distance of the value that fits worst, as a part of the value. All are None where no law fits."""

    kind: str
    base: Optional[float] = None
    each: Optional[float] = None
    exponent: Optional[float] = None
    error: Optional[float] = None

    def text(self) -> str:
        """Returns the law in a few words."""
        if self.base is None or self.each is None or self.error is None:
            return self.kind
        off = f" (within {self.error:.1%})" if self.error >= 0.0005 else ""
        if not self.each:
            return f"{self.kind}: {number(self.base)}{off}"
        sign = "-" if self.each < 0 else "+"
        power = "n" if self.exponent == LINEAR else f"n^{self.exponent:g}"
        return f"{self.kind}: {number(self.base)} {sign} {number(abs(self.each))} {power}{off}"


def _error(points: Points, base: float, each: float, exponent: float) -> float:
    return max(
        abs(base + each * math.pow(cpus, exponent) - value) / max(abs(value), 1e-9)
        for cpus, value in points.items()
    )


def _fit(points: Points, exponent: float) -> Law:
    """Returns the line through values over n ** exponent with the least squares of relative errors."""
    weights = {cpus: 1 / max(value, 1e-9) ** 2 for cpus, value in points.items()}
    xs = {cpus: math.pow(cpus, exponent) for cpus in points}
    whole = sum(weights.values())
    x_mean = sum(weights[cpus] * xs[cpus] for cpus in points) / whole
    y_mean = sum(weights[cpus] * points[cpus] for cpus in points) / whole
    spread = sum(weights[cpus] * (xs[cpus] - x_mean) ** 2 for cpus in points)
    each = sum(weights[cpus] * (xs[cpus] - x_mean) * (points[cpus] - y_mean) for cpus in points) / spread
    base = y_mean - each * x_mean
    return Law("", base, each, exponent, _error(points, base, each, exponent))


def _bent(points: Points) -> str:
    """Returns the kind of rising values that no law fits, by whether they rise ever faster or ever slower."""
    ordered = sorted(points.items())
    steps = list(zip(ordered, ordered[1:]))
    slopes = [(after - before) / (more - fewer) for (fewer, before), (more, after) in steps]
    pairs = list(zip(slopes, slopes[1:]))
    if all(after >= before * (1 - FITS) for before, after in pairs):
        return "worse than linear"
    if all(after <= before * (1 + FITS) for before, after in pairs):
        return "less than linear"
    return "irregular"


def _rising(points: Points) -> Law:
    line = _fit(points, LINEAR)
    if line.error is not None and line.error <= FITS:
        return line._replace(kind="linear")
    if len(points) < MIN_POINTS_OF_A_POWER:
        return Law(_bent(points))
    best = min((_fit(points, exponent) for exponent in EXPONENTS), key=lambda law: law.error or 0.0)
    if best.error is None or best.exponent is None or best.error > FITS:
        return Law(_bent(points))
    return best._replace(kind="less than linear" if best.exponent < LINEAR else "worse than linear")


def law_of(points: Points) -> Law:
    """Returns the simplest law that fits the values, by numbers of CPUs."""
    if len(points) < MIN_POINTS:
        return Law(UNKNOWN)
    values = [points[cpus] for cpus in sorted(points)]
    middle = (min(values) + max(values)) / 2
    if max(values) - middle <= CONSTANT * middle:
        error = (max(values) - middle) / middle if middle else 0.0
        return Law("constant", middle, 0.0, 0.0, error)
    pairs = list(zip(values, values[1:]))
    if all(after <= before for before, after in pairs):
        return Law("falls")
    if any(after < before * (1 - FITS) for before, after in pairs):
        return Law("irregular")
    return _rising(points)


Conditions = Tuple[Tuple[str, Value], ...]


class Growth(NamedTuple):
    """One count of a line, by numbers of CPUs, and its law. `under` are the conditions beside the number of
    CPUs."""

    name: str
    mode: str
    under: Conditions
    quantity: str
    points: Dict[int, float]
    law: Law

    def as_json(self) -> Dict[str, object]:
        """Returns what the JSON file holds of it."""
        law = {name: value for name, value in self.law._asdict().items() if value is not None}
        values = [{"cpus": cpus, "value": value} for cpus, value in sorted(self.points.items())]
        line: Dict[str, object] = {"name": self.name, "mode": self.mode, "count": self.quantity}
        return {**line, **{name: value for name, value in self.under}, "values": values, "law": law}


def _conditions(row: Row) -> Conditions:
    return tuple((name, row[name]) for name in CONDITIONS if name in row and name not in ("cpus", "preset"))


def _is_of_other_work(rows: Sequence[Row]) -> bool:
    """Returns whether machines did neither the same work altogether nor the same for each CPU. Their totals
    say nothing beside each other then."""
    operations = [float(row["total"]) / max(float(row["instructions"]), 0.01) for row in rows]
    each = [number_of / int(row["cpus"]) for number_of, row in zip(operations, rows)]
    return all(max(numbers) > (1 + SAME_WORK) * min(numbers) for numbers in (operations, each))


def growth_of(rows: Sequence[Row]) -> List[Growth]:
    """Returns the growth of each count of each line under the same conditions. The rows are of one preset."""

    def of(growth: Growth) -> List[Row]:
        return [
            row
            for row in rows
            if (row["name"], row["mode"], _conditions(row)) == growth[:3] and growth.quantity in row
        ]

    lines: Dict[Tuple[str, str, Conditions, str], Dict[int, float]] = {}
    for row in rows:
        for count in COUNTS:
            if count in row:
                key = (str(row["name"]), str(row["mode"]), _conditions(row), count)
                lines.setdefault(key, {})[int(row["cpus"])] = float(row[count])
    found = [Growth(*line, points, law_of(points)) for line, points in lines.items()]
    return [
        one._replace(law=Law(OTHER_WORK)) if one.quantity == "total" and _is_of_other_work(of(one)) else one
        for one in found
    ]


def numbers_of_cpus(found: Sequence[Growth]) -> List[int]:
    """Returns on how many CPUs there are results, in ascending order."""
    return sorted({cpus for growth in found for cpus in growth.points})


def growth_table(found: Sequence[Growth]) -> str:
    """Returns a table with a column for each number of CPUs, and the laws; or why there is none."""
    counts = numbers_of_cpus(found)
    if len(counts) < MIN_POINTS:
        return (
            f"Growth: {UNKNOWN}, because {MIN_POINTS} numbers of CPUs are needed and {len(counts)} measured"
        )
    lines: List[Sequence[str]] = [("benchmark", "mode", "count", "law on n CPUs", *map(str, counts))]
    several = len({growth.under for growth in found}) > 1
    for growth in found:
        values = [growth.points.get(cpus) for cpus in counts]
        shown = [
            number(value if value is None or growth.quantity == "instructions" else int(value))
            for value in values
        ]
        name = TITLES.get(growth.quantity, growth.quantity)
        mode = ", ".join((growth.mode, *(f"{of} {value}" for of, value in growth.under if several)))
        lines.append((growth.name, mode, name, growth.law.text(), *shown))
    return columns(lines, 4)

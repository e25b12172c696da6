# SPDX-License-Identifier: BSD-2-Clause
"""Which numbers stand beside each other: the columns of a page's tables, and the bars of its charts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from frontdoor.bench_log import Machine
from frontdoor.bench_rows import CONDITIONS, Row, Value, condition
from frontdoor.linux_figures import STORED, TITLES, Figures, Linux

MAX_BARS = 110  # of one chart: browsers limit the height of what a script draws
LOGARITHMIC_FROM = 30  # times between the smallest and the largest value
NO_MODE = "-"
# The same colour for a mode in every chart; those that are not named here get what is left.
MODES = ("local", "restart", "guarded", "fixup", NO_MODE, "mapped", "linked")
COLOURS = 7
OF_ROOTS = {"roots", "cnp"}  # conditions that say which kind of roots a kernel had
ROOTS = {"private": "private roots", "common": "one root for all"}

Line = Tuple[str, str]  # a benchmark's name and mode


@dataclass(frozen=True)
class Column:
    """What was measured on one machine under the same conditions. `roots` is which kind of roots it was, if
    that is all in which the machine's columns differ."""

    title: str
    rows: Dict[Line, Row]
    machine: str = ""
    roots: str = ""


@dataclass(frozen=True)
class Series:
    """Bars of one colour: a value for each label of the chart, or None. `colour` is a variable of the style
    sheet; `faded` bars stand beside others of the same colour."""

    label: str
    colour: str
    values: List[Optional[float]]
    faded: bool = False


@dataclass(frozen=True)
class Chart:
    """Groups of bars, each with a bar of all series. `unit` is what they count. The scale reaches from
    `smallest` to `largest`, and is the same in all charts of a family."""

    unit: str
    labels: List[str]
    series: List[Series]
    smallest: float
    largest: float

    @property
    def logarithmic(self) -> bool:
        """Whether the scale is logarithmic."""
        return self.largest > LOGARITHMIC_FROM * self.smallest


def columns_of(machine: Machine) -> List[Column]:
    """Returns the columns of a machine. Their titles say in what they differ."""
    kinds: Dict[Tuple[Optional[Value], ...], Dict[Line, Row]] = {}
    for row in machine.rows:
        kind = tuple(condition(row, name) for name in CONDITIONS)
        kinds.setdefault(kind, {})[str(row["name"]), str(row["mode"])] = row
    columns = []
    differing = [at for at in range(len(CONDITIONS)) if len({kind[at] for kind in kinds}) > 1]
    names = {CONDITIONS[at] for at in differing}
    roots_of = {kind: str(kind[CONDITIONS.index("roots")]) for kind in kinds}
    of_roots = "roots" in names and names <= OF_ROOTS and sorted(roots_of.values()) == sorted(ROOTS)
    for kind, rows in kinds.items():
        words = [f"{kind[at]} CPUs" if at == 0 else f"{CONDITIONS[at]} {kind[at]}" for at in differing]
        roots = roots_of[kind] if of_roots else ""
        words = [ROOTS[roots]] if of_roots else words
        columns.append(Column(", ".join([machine.title, *words]), rows, machine.title, roots))
    return columns


def lines_of(columns: Sequence[Column], names: Sequence[str]) -> List[Line]:
    """Returns the names with their modes that a column has, in the order of the names."""
    every = dict.fromkeys(line for column in columns for line in column.rows)
    return [line for name in names for line in every if line[0] == name]


def _value(row: Optional[Row], unit: str) -> Optional[float]:
    return None if row is None or unit not in row else float(row[unit])


def _linux(names: Sequence[str], linux: Linux) -> List[Series]:
    figures = [linux.figures.get(name, Figures()) for name in names]
    return [Series(label, f"linux{at}", [each[at] for each in figures]) for at, label in enumerate(TITLES)]


def _by_mode(columns: Sequence[Column], lines: Sequence[Line], unit: str) -> Tuple[List[str], List[Series]]:
    """The groups are benchmarks, and the bars of each are its modes, on each kind of roots."""
    names = list(dict.fromkeys(name for name, _ in lines))
    modes = dict.fromkeys(mode for _, mode in lines)
    series = [
        Series(
            ", ".join(["Percival" if mode == NO_MODE else mode, *filter(None, [ROOTS.get(column.roots)])]),
            f"bar{(MODES.index(mode) if mode in MODES else len(MODES) + at) % COLOURS}",
            [_value(column.rows.get((name, mode)), unit) for name in names],
            faded=which > 0,
        )
        for at, mode in enumerate(modes)
        for which, column in enumerate(columns)
        if any((name, mode) in column.rows for name in names)
    ]
    return names, series


def _by_column(columns: Sequence[Column], lines: Sequence[Line], unit: str) -> Tuple[List[str], List[Series]]:
    """The groups are benchmarks in a mode, and the bars of each are the machines."""
    labels = [name if mode == NO_MODE else f"{name}, {mode}" for name, mode in lines]
    series = [
        Series(column.title, f"bar{at % COLOURS}", [_value(column.rows.get(line), unit) for line in lines])
        for at, column in enumerate(columns)
    ]
    return labels, series


def _some(series: Sequence[Series], labels: Sequence[int]) -> List[Series]:
    return [replace(one, values=[one.values[at] for at in labels]) for one in series]


def _in_pieces(unit: str, labels: List[str], series: List[Series]) -> List[Chart]:
    """Returns a chart for each set of series that a label has values of, so that no bar is left out between
    others; those that compare most come first. Long ones become several."""
    values = [value for one in series for value in one.values if value]
    smallest, largest = min(values, default=1.0), max(values, default=1.0)
    sets: Dict[Tuple[int, ...], List[int]] = {}
    for at in range(len(labels)):
        present = tuple(which for which, one in enumerate(series) if one.values[at] is not None)
        sets.setdefault(present, []).append(at)
    return [
        Chart(
            unit,
            [labels[at] for at in part],
            _some([series[which] for which in present], part),
            smallest,
            largest,
        )
        for present, members in sorted(sets.items(), key=lambda one: -len(one[0]))
        for step in (max(1, MAX_BARS // len(present)),)
        for part in (members[start : start + step] for start in range(0, len(members), step))
    ]


def charts_of(columns: Sequence[Column], names: Sequence[str], linux: Linux = STORED) -> List[Chart]:
    """Returns the charts of benchmarks: of their instructions, and of their cycles where these were
    counted."""
    charts: List[Chart] = []
    for unit in ("instructions", "cycles"):
        lines = [
            line
            for line in lines_of(columns, names)
            if any(_value(column.rows.get(line), unit) is not None for column in columns)
        ]
        if lines:
            one = len(columns) == 1 or all(each.roots for each in columns)
            one = one and len({each.machine for each in columns}) == 1
            labels, series = _by_mode(columns, lines, unit) if one else _by_column(columns, lines, unit)
            if unit == "instructions":
                series += _linux(labels if one else [name for name, _ in lines], linux)
            charts += _in_pieces(unit, labels, series)
    return charts

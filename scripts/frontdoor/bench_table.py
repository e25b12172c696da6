# SPDX-License-Identifier: BSD-2-Clause
"""The results of benchmarks as a table of text, with Linux's figures beside them."""

from __future__ import annotations

from typing import List, Optional, Sequence

from frontdoor.bench_rows import FIELDS, Row, Value
from frontdoor.linux_figures import COUNTED_SOURCE, STORED, TITLES, Figures, Linux

HEADINGS = ("benchmark", "mode", "cpus", "instructions")
EXTRAS = {"tables": "tables", "tlbis": "TLBIs", "bytes": "bytes"}  # of page tables and memory in use
# Only whole experiments have these, and only they need the columns.
OF_EXPERIMENTS = {"total": "total", "slow_paths": "slow paths", "address_space": "addresses"}
LAST = ("core", "roots")  # columns that are there only if the rows differ in them
WHOLE_FROM = 1000  # larger numbers are shown without fractions


def footnote(linux: Linux = STORED) -> str:
    """Returns what the table's numbers are, and where Linux's are from."""
    return (
        f"Instructions per operation, loop cost subtracted. {linux.source}.\n{COUNTED_SOURCE}.\n"
        "Instruction counts do not show the cost of TLB misses, TLBIs, DSBs and atomics; a board does."
    )


def number(value: Optional[Value]) -> str:
    """Returns a number with separators between thousands, and - for None."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if value < WHOLE_FROM else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def columns(lines: Sequence[Sequence[str]], texts: int) -> str:
    """Returns the lines with aligned columns. The first `texts` columns are text, the others numbers."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def table(rows: Sequence[Row], linux: Linux = STORED) -> str:
    """Returns the results as text with aligned columns."""
    more = {name: title for name, title in OF_EXPERIMENTS.items() if any(name in row for row in rows)}
    extras = {**EXTRAS, **more}
    last = [name for name in LAST if len({row.get(name) for row in rows}) > 1]
    lines: List[Sequence[str]] = [(*HEADINGS, *extras.values(), *TITLES, *last)]
    for row in rows:
        figures = linux.figures.get(str(row["name"]), Figures())
        own = [*(row[name] for name in FIELDS), *(row.get(name) for name in extras)]
        lines.append([number(value) for value in (*own, *figures, *(row.get(name) for name in last))])
    return columns(lines, 2)

# SPDX-License-Identifier: BSD-2-Clause
"""The results of benchmarks as a table of text, with Linux's figures beside them."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from frontdoor.bench_rows import FIELDS, Row, Value
from frontdoor.linux_figures import LINUX, SOURCE

EXTRAS = ("tables", "tlbis", "bytes")  # only benchmarks that make page tables or keep memory have these
HEADINGS = (
    *("benchmark", "mode", "cpus", "instructions", "tables", "TLBIs", "bytes"),
    *("Linux preemptible", "Linux voluntary"),
)
CORE = "core"  # the last column, where the machine has several kinds
WHOLE_FROM = 1000  # larger numbers are shown without fractions
FOOTNOTE = (
    f"Instructions per operation, loop cost subtracted. {SOURCE}.\n"
    "Instruction counts do not show the cost of TLB misses, TLBIs, DSBs and atomics; a board does."
)

_NOT_COUNTED = re.compile(r"instrument: .*: not (?:counted|measured): .*")


def not_counted(found: Sequence[str]) -> str:
    """Returns what the kernel says of counters that it does not believe and benchmarks that it left out,
    among what it found; empty if there is none."""
    lines = [line for line in found if _NOT_COUNTED.fullmatch(line)]
    return "\n".join(["Not shown by this machine:", *lines]) if lines else ""


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


def table(rows: Sequence[Row]) -> str:
    """Returns the results as text with aligned columns."""
    with_core = any(CORE in row for row in rows)
    lines: List[Sequence[str]] = [(*HEADINGS, *((CORE,) if with_core else ()))]
    for row in rows:
        linux = LINUX.get(str(row["name"]), (None, None))
        own = [*(row[name] for name in FIELDS), *(row.get(name) for name in EXTRAS)]
        core = (row.get(CORE),) if with_core else ()
        lines.append([number(value) for value in (*own, *linux, *core)])
    return columns(lines, 2)

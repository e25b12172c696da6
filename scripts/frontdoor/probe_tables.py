# SPDX-License-Identifier: BSD-2-Clause
"""The results of the probes, and of the benchmarks that walk over pages, as tables of text."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from frontdoor.bench_log import Machine
from frontdoor.bench_rows import Row, Value
from frontdoor.bench_table import columns, number
from frontdoor.probe_rows import OUTCOMES, ProbeRow, count, counts

WIDEST_MATRIX = 16  # CPUs; of more, not every pair is probed
NOT_PROBED = "."
_WALK = re.compile(r"walk_(global|local|both)_(\d+)")
MEASURES = {
    "cycles": "cycles of a read",
    "tlb_refills": "TLB refills of a read",
    "tlb_walks": "TLB walks of a read",
    "instructions": "instructions of a read and its part of the loop",
}


def _of(rows: Sequence[ProbeRow], probe: str) -> List[ProbeRow]:
    return [row for row in rows if row["probe"] == probe]


def matrix(rows: Sequence[ProbeRow]) -> str:
    """Returns how many reads of each CPU, a line, saw another CPU's page beside each other one, a column; of
    many CPUs only the lines of those that saw one. Empty if nothing was probed."""
    lines = _of(rows, "tlbs")
    if not lines:
        return ""
    beside = [dict(zip(counts(row, "beside"), counts(row, "wrong"))) for row in lines]
    least = min(count(row, "reads") for row in lines)
    title = f"Reads of another CPU's page, of at least {least} beside each"
    wrong = sum(sum(each.values()) for each in beside)
    if len(lines) > WIDEST_MATRIX:
        seen = [
            f"cpu{count(row, 'cpu')} beside cpu{other}: {number_of_wrong}"
            for row, others in zip(lines, beside)
            for other, number_of_wrong in others.items()
            if number_of_wrong
        ]
        probed = sum(len(each) for each in beside) // 2
        return "\n".join([f"{title}, in {probed} pairs of {len(lines)} CPUs: {wrong}", *seen])
    cpus = [count(row, "cpu") for row in lines]
    table = [["", *(f"cpu{cpu}" for cpu in cpus)]]
    for cpu, others in zip(cpus, beside):
        table.append([f"cpu{cpu}", *(str(others.get(other, NOT_PROBED)) for other in cpus)])
    return f"{title}\n{columns(table, 1)}"


def completion(rows: Sequence[ProbeRow]) -> str:
    """Returns how often an old page was seen after TLBI and DSB, by form. Empty if nothing was probed."""
    lines = [
        [str(row["form"]), *(number(count(row, name)) for name in ("pairs", "tries", "stale"))]
        for row in _of(rows, "completion")
    ]
    return columns([["TLBI and DSB", "pairs", "tries", "old pages seen"], *lines], 1) if lines else ""


def litmus(rows: Sequence[ProbeRow]) -> str:
    """Returns the outcomes of each shape beside the architecture's verdict. Empty if nothing was probed."""
    lines: List[Sequence[str]] = []
    for row in _of(rows, "litmus"):
        asked = count(row, str(row["asks"]))
        words = f"FORBIDDEN, seen {asked}" if asked and row["verdict"] == "forbidden" else str(row["verdict"])
        seen = (number(count(row, name)) for name in OUTCOMES)
        lines.append([str(row["shape"]), str(row["asks"]), words, number(count(row, "tries")), *seen])
    return columns([["shape", "asks for", "verdict", "tries", *OUTCOMES], *lines], 3) if lines else ""


def tables(rows: Sequence[ProbeRow], said: Sequence[str]) -> str:
    """Returns all tables of a machine, and what its probes said in words. Empty if it has no results."""
    parts = [matrix(rows), completion(rows), litmus(rows), "\n".join(said)]
    return "\n\n".join(part for part in parts if part)


Column = Tuple[str, int, str, str]  # the machine, its CPUs and roots, and the kind of addresses


def _walks(machines: Sequence[Tuple[str, Sequence[Row]]]) -> Dict[Column, Dict[int, Row]]:
    found: Dict[Column, Dict[int, Row]] = {}
    for title, rows in machines:
        for row in rows:
            match = _WALK.fullmatch(str(row["name"]))
            if match is not None:
                column = (title, int(row["cpus"]), str(row.get("roots", "private")), match[1])
                found.setdefault(column, {})[int(match[2])] = row
    return found


def _measures(found: Dict[Column, Dict[int, Row]]) -> Iterator[Tuple[str, str]]:
    for name, title in MEASURES.items():
        if any(name in row for by_pages in found.values() for row in by_pages.values()):
            yield name, title


def walks(machines: Sequence[Tuple[str, Sequence[Row]]]) -> str:
    """Returns what a read costs by how many pages are read in turn, for each measure that a machine has. The
    machines are pairs of a title and results; those with private and with common roots stand side by side.
    Empty if none has such results."""
    found = _walks(machines)
    titles = len({title for title, *_ in found}) > 1
    counts_of_cpus = len({(title, cpus) for title, cpus, *_ in found}) > len({title for title, *_ in found})
    pages = sorted({each for by_pages in found.values() for each in by_pages})
    parts = []
    for name, title in _measures(found):
        heads = [
            f"{machine}: " * titles + f"{cpus} CPUs, " * counts_of_cpus + f"{roots}, {kind}"
            for machine, cpus, roots, kind in found
        ]
        table = [["pages", *heads]]
        for each in pages:
            values: List[Optional[Value]] = [by_pages.get(each, {}).get(name) for by_pages in found.values()]
            table.append([str(each), *(number(value) for value in values)])
        parts.append(f"{title}, by roots and addresses\n{columns(table, 0)}")
    if found and len(parts) == 1:
        parts.append("Cycles, TLB refills and walks of these: only a board counts them.")
    return "\n\n".join(parts)


def report(machines: Sequence[Machine]) -> str:
    """Returns the tables of all machines. Empty if no log has such results."""
    parts = [walks([(machine.title, machine.rows) for machine in machines])]
    for machine in machines:
        text = tables(machine.probes, machine.said)
        parts.append(f"{machine.title}\n{text}" if text else "")
    return "\n\n".join(part for part in parts if part)

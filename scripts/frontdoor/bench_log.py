# SPDX-License-Identifier: BSD-2-Clause
"""Reads the benchmarks' results from a console that was saved, of any machine.

Other output, noise and times before the lines do no harm. What is damaged, cut off or measured several times
becomes a note, so that nobody takes the rest for the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from frontdoor.bench_rows import CONDITIONS, DamagedRow, Row, parse_line
from frontdoor.errors import IoFailed
from frontdoor.probe_rows import ProbeRow, parse_line as parse_probe, said_lines
from frontdoor.run_report import found_lines
from frontdoor.verdict import Verdict, parse_line as parse_verdict

SHOWN = ("Percival ", "machine: ", "cpu: ", "features: ", "tlb: ", "percpu: ", "instrument: ")
_NOT_COUNTED = re.compile(r"instrument: .*: not (?:counted|measured): .*")
MAX_DAMAGED = 5  # damaged lines that are quoted
MAX_QUOTE = 100  # characters of each


@dataclass(frozen=True)
class Machine:
    """A machine that was measured: what it is called, what its kernel found, and its results. `notes` say
    what is wrong with the results. `probes` are the results of its probes, and `said` what these said in
    words."""

    title: str
    found: List[str]
    rows: List[Row]
    notes: List[str] = field(default_factory=list)
    probes: List[ProbeRow] = field(default_factory=list)
    said: List[str] = field(default_factory=list)


def shown_lines(lines: Sequence[str]) -> List[str]:
    """Returns what the kernel found, as far as it says which machine this is. Each line once."""
    return list(dict.fromkeys(line for line in found_lines(lines) if line.startswith(SHOWN)))


def not_counted(found: Sequence[str]) -> str:
    """Returns what the kernel says of counters that it does not believe and benchmarks that it left out,
    among what it found; empty if there is none."""
    lines = [line for line in found if _NOT_COUNTED.fullmatch(line)]
    return "\n".join(["Not shown by this machine:", *lines]) if lines else ""


def _read(path: Path) -> List[str]:
    try:
        if not path.is_file():
            raise IoFailed(f"{path} is {'no file' if path.exists() else 'not there'}")
        return path.read_bytes().decode(errors="replace").split("\n")
    except OSError as error:
        raise IoFailed(f"{path} cannot be read: {error.strerror}") from error


def _quote(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + " ..."


def lowest(rows: Sequence[Row]) -> Tuple[List[Row], List[str]]:
    """Returns one row for each benchmark, mode and conditions, and the notes on those that were measured with
    several results. Takes the lowest, because an interrupt can only add."""
    groups: Dict[Tuple[object, ...], List[Row]] = {}
    for row in rows:
        key = tuple(row.get(name) for name in ("name", "mode", *CONDITIONS))
        groups.setdefault(key, []).append(row)
    kept, notes = [], []
    for group in groups.values():
        values = sorted(float(row["instructions"]) for row in group)
        kept.append(min(group, key=lambda row: (float(row["instructions"]), float(row.get("cycles", 0)))))
        if values[0] != values[-1]:
            name, mode = group[0]["name"], group[0]["mode"]
            notes.append(
                f"{name} ({mode}): {len(group)} results from {values[0]:,g} to {values[-1]:,g}; "
                "the lowest is shown"
            )
    return kept, notes


def read_lines(title: str, lines: Sequence[str]) -> Machine:
    """Returns what a console shows of a machine. It may have no rows."""
    rows: List[Row] = []
    probes: List[ProbeRow] = []
    damaged: List[str] = []
    verdicts: List[Verdict] = []
    after: Optional[Verdict] = None  # the verdict after the last result
    for number, line in enumerate(lines, 1):
        try:
            row = parse_line(line)
            probe = parse_probe(line)
        except DamagedRow as error:
            damaged.append(f"line {number}: {_quote(str(error))}")
            continue
        if row is not None:
            rows.append(row)
            after = None
        if probe is not None:
            probes.append(probe)
            after = None
        verdict = parse_verdict(line)
        if verdict is not None:
            verdicts.append(verdict)
            after = verdict
    kept, notes = lowest(rows)
    notes = damaged[:MAX_DAMAGED] + notes
    if len(damaged) > MAX_DAMAGED:
        notes.insert(MAX_DAMAGED, f"{len(damaged) - MAX_DAMAGED} more damaged results")
    if (rows or probes) and after is None:
        notes.append("the log ends before the kernel's verdict: results may be missing")
    notes += [f"the kernel's verdict is {bad.name.lower()}" for bad in verdicts if bad is not Verdict.PASSED]
    return Machine(title, shown_lines(lines), kept, notes, probes, said_lines(lines))


def read_log(path: Path, title: str) -> Machine:
    """Reads a saved console. Raises IoFailed if there is no file, or no result in it."""
    machine = read_lines(title, _read(path))
    if not (machine.rows or machine.probes or machine.said):
        why = "; ".join(machine.notes) or "no line begins with bench: { or probe: {"
        raise IoFailed(f"{path} has no result of a benchmark or a probe: {why}")
    return machine


def titles(paths: Sequence[Path]) -> List[str]:
    """Returns what to call each log: its name without its ending if that tells it from the others, else its
    path, and a number if it is there twice."""
    stems = [path.stem for path in paths]
    names = [path.stem if stems.count(path.stem) == 1 else str(path) for path in paths]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:at].count(name) + 1})"
        for at, name in enumerate(names)
    ]

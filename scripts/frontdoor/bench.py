# SPDX-License-Identifier: BSD-2-Clause
"""`percival bench`: runs the kernel's benchmarks under icount and compares them with Linux's figures, as a
table and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from frontdoor import boot
from frontdoor.errors import FrontDoorError
from frontdoor.linux_figures import LINUX, SOURCE
from frontdoor.progress import say
from frontdoor.qemu_probe import installed_version
from frontdoor.verdict import Verdict

PREFIX = "bench: "
FIELDS: Dict[str, Tuple[type, ...]] = {
    "name": (str,),
    "mode": (str,),
    "cpus": (int,),
    "instructions": (int, float),
}
EXTRAS = ("tables", "tlbis", "bytes")  # only benchmarks that make page tables or keep memory have these
HEADINGS = (
    *("benchmark", "mode", "cpus", "instructions", "tables", "TLBIs", "bytes"),
    *("Linux preemptible", "Linux voluntary"),
)
WHOLE_FROM = 1000  # larger numbers are shown without fractions
FOOTNOTE = (
    f"Instructions per operation, loop cost subtracted. {SOURCE}.\n"
    "Instruction counts do not show the cost of TLB misses, TLBIs, DSBs and atomics; a board does."
)

Row = Dict[str, Union[str, int, float]]


def parse_line(line: str) -> Optional[Row]:
    """Returns the result in a console line, or None for any other line. A malformed result is an error."""
    if not line.startswith(PREFIX):
        return None
    try:
        row: Row = json.loads(line[len(PREFIX) :])
        wrong = [name for name, kind in FIELDS.items() if not isinstance(row[name], kind)]
    except (ValueError, KeyError, TypeError) as error:
        raise FrontDoorError(f"not a benchmark result: {line}", int(Verdict.HANG)) from error
    if wrong:
        raise FrontDoorError(f"wrong {', '.join(wrong)} in: {line}", int(Verdict.HANG))
    return row


def _number(value: Union[str, int, float, None]) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if value < WHOLE_FROM else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def table(rows: Sequence[Row]) -> str:
    """Returns the results as text with aligned columns."""
    lines: List[Sequence[str]] = [HEADINGS]
    for row in rows:
        linux = LINUX.get(str(row["name"]), (None, None))
        own = [*(row[name] for name in FIELDS), *(row.get(name) for name in EXTRAS)]
        lines.append([_number(value) for value in (*own, *linux)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def _measure(run: boot.Run) -> Tuple[int, List[Row]]:
    """Boots once; returns the kernel's verdict and its results."""
    rows: List[Row] = []

    def observe(line: str) -> None:
        row = parse_line(line)
        if row is not None:
            rows.append(row)

    decision = boot.execute(run, observe)
    if decision.exit_code != Verdict.PASSED:
        say(decision.reason or f"the kernel's verdict is {Verdict(decision.exit_code).name.lower()}")
    return decision.exit_code, rows


def _with_mapped_windows(run: boot.Run, names: Sequence[str]) -> boot.Run:
    others = tuple(argument for argument in run.append if not argument.startswith("bench"))
    return replace(run, append=(boot_argument(names), "percpu.window=mapped", *others))


def bench(run: boot.Run, globs: Sequence[str], json_file: Optional[Path], *, may_build: bool) -> int:
    """Runs the command. Returns the kernel's verdict, or 3 if the kernel measured nothing. A second boot
    measures the benchmarks that depend on the kind of percpu windows with the other kind."""
    boot.prepare(run, may_build=may_build)
    code, rows = _measure(run)
    linked = [str(row["name"]) for row in rows if row["mode"] == "linked"]
    if code == Verdict.PASSED and linked:
        code, more = _measure(_with_mapped_windows(run, linked))
        rows += more
    if code != Verdict.PASSED:
        return code
    if not rows:
        say(f"no benchmark matches {', '.join(globs)}" if globs else "the kernel measured nothing")
        return int(Verdict.HANG)
    print(f"\n{table(rows)}\n\n{FOOTNOTE}", flush=True)
    if json_file is not None:
        report = {
            "machine": f"QEMU {installed_version()} {run.machine.describe()}",
            "preset": run.preset,
            "results": rows,
        }
        json_file.write_text(json.dumps(report, indent=2) + "\n")
        say(f"results written to {json_file}")
    return int(Verdict.PASSED)


def boot_argument(globs: Sequence[str]) -> str:
    """Returns the boot argument that makes the kernel run the benchmarks."""
    return f"bench={','.join(globs)}" if globs else "bench"

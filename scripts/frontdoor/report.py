# SPDX-License-Identifier: BSD-2-Clause
"""`percival report`: makes a page from the consoles of machines that ran the benchmarks, and tables of their
probes."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from frontdoor import bench_log, page, page_library, probe_tables
from frontdoor.paths import BUILD
from frontdoor.progress import say

DEFAULT_PAGE = BUILD / "report.html"
EXIT_DAMAGED = 1


def report(logs: Sequence[Path], out: Path) -> int:
    """Runs the command. Returns 1 if a log is damaged, cut or of a run that did not pass; the page is made
    all the same, and says so."""
    machines = [bench_log.read_log(path, title) for path, title in zip(logs, bench_log.titles(logs))]
    for machine in machines:
        for note in machine.notes:
            say(f"{machine.title}: {note}")
    tables = probe_tables.report(machines)
    if tables:
        print(tables, flush=True)
    page_library.provide(may_fetch=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.write(out, machines)
    return EXIT_DAMAGED if any(machine.notes for machine in machines) else 0

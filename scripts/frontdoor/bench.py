# SPDX-License-Identifier: BSD-2-Clause
"""`percival bench`: runs the kernel's benchmarks under icount and compares them with Linux's figures, as a
table, as JSON and as a page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from frontdoor import bench_growth, boot, boot_arguments, mca, page, page_library, probe_tables
from frontdoor.bench_log import Machine, not_counted, shown_lines
from frontdoor.bench_rows import Row, parse_line
from frontdoor.bench_table import footnote, table
from frontdoor.errors import IoFailed, Unavailable, UsageError
from frontdoor.linux_figures import STORED, STORED_DATE, Linux, measured
from frontdoor.linux_peer import measure as measure_linux
from frontdoor.paths import elf
from frontdoor.progress import say
from frontdoor.qemu_probe import installed_version
from frontdoor.verdict import Verdict

NO_MODE = "-"
WINDOW_MODES = ("linked", "mapped")
OF_PRIVATE_ROOTS = "local"
ROOTS: Dict[Optional[str], Tuple[str, ...]] = {
    None: (),
    **{kind: (kind,) for kind in ("private", "common")},
    "both": ("private", "common"),
}


@dataclass(frozen=True)
class Order:
    """What to measure: the benchmarks (none: all), the mode (None: all), each count of CPUs, each kind of
    roots (none: as the boot arguments say), and Linux, too; and where the results go."""

    globs: Tuple[str, ...] = ()
    mode: Optional[str] = None
    cpus: Tuple[int, ...] = ()
    json: Optional[Path] = None
    html: Optional[Path] = None
    mca: bool = False
    roots: Tuple[str, ...] = ()
    linux: bool = False


@dataclass(frozen=True)
class Measured:
    """The kernel's verdict, the results, and what the kernel found. Only a run that passed has all of
    them."""

    verdict: int
    rows: List[Row]
    found: List[str]


def modes() -> List[str]:
    """Returns the modes in which benchmarks can run, by the kernel's boot arguments."""
    percpu = [name for name in boot_arguments.choices("percpu") if name != "auto"]
    return [*percpu, *boot_arguments.choices("percpu.window")]


def boot_argument(globs: Sequence[str]) -> str:
    """Returns the boot argument that makes the kernel run the benchmarks."""
    return f"bench={','.join(globs)}" if globs else "bench"


def _boot_once(run: boot.Run, *, echo: bool) -> Measured:
    rows: List[Row] = []
    lines: List[str] = []

    def observe(line: str) -> None:
        lines.append(line)
        row = parse_line(line)
        if row is not None:
            rows.append({**row, "preset": run.preset})

    decision = boot.execute(run, observe, echo=echo)
    if decision.exit_code != Verdict.PASSED:
        say(decision.reason or f"the kernel's verdict is {Verdict(decision.exit_code).name.lower()}")
    return Measured(decision.exit_code, rows, shown_lines(lines))


def _in_mode(mode: str) -> str:
    return f"percpu.window={mode}" if mode in WINDOW_MODES else f"percpu={mode}"


def measure(run: boot.Run, order: Order, *, echo: bool = True) -> Measured:
    """Boots a prepared kernel once, or once more if benchmarks depend on the kind of percpu windows: then
    with the other kind. With a mode the kernel runs in it throughout, and results of other modes are left
    out."""
    if order.mode is not None:
        given = replace(run, append=(boot_argument(order.globs), _in_mode(order.mode), *run.append))
        done = _boot_once(given, echo=echo)
        kept = [row for row in done.rows if row["mode"] in (order.mode, NO_MODE)]
        return replace(done, rows=kept)
    first = _boot_once(replace(run, append=(boot_argument(order.globs), *run.append)), echo=echo)
    linked = [str(row["name"]) for row in first.rows if row["mode"] == WINDOW_MODES[0]]
    if first.verdict != Verdict.PASSED or not linked:
        return first
    append = (boot_argument(linked), _in_mode(WINDOW_MODES[1]), *run.append)
    second = _boot_once(replace(run, append=append), echo=echo)
    return Measured(second.verdict, first.rows + second.rows, first.found)


def roots_of(run: boot.Run, order: Order) -> Tuple[str, ...]:
    """Returns the kinds of roots to measure on; none if the boot arguments or the kernel say it. A page has
    both, unless one is asked for. Raises UsageError if the mode is not one of all of them."""
    words = " ".join(run.append).split()
    is_local = order.mode == OF_PRIVATE_ROOTS or _in_mode(OF_PRIVATE_ROOTS) in words
    if is_local and "common" in order.roots:
        raise UsageError(f"mode {OF_PRIVATE_ROOTS} needs private roots: leave out --roots")
    given = any(word.startswith("roots=") for word in words)
    if given and order.roots:
        raise UsageError("--roots: the boot arguments have roots= already")
    if order.html is None or order.roots or given or is_local:
        return order.roots
    return ROOTS["both"]


def _arguments(run: boot.Run, order: Order, roots: str) -> Tuple[str, ...]:
    """Returns the boot arguments for a kind of roots. The kernel's default, local, needs private ones."""
    words = " ".join(run.append).split()
    of_windows = order.mode is None or order.mode in WINDOW_MODES
    chosen = not of_windows or any(word.startswith("percpu=") for word in words)
    return (f"roots={roots}", *(("percpu=auto",) if roots == "common" and not chosen else ()))


def _on_cpus(run: boot.Run, cpus: int) -> boot.Run:
    """Returns the run on so many CPUs, without the random seeds of QEMU's tree, on which counts depend."""
    name = run.machine.machine
    has_seeds = run.machine.is_virt and "dtb-randomness=" not in name
    machine = replace(run.machine, cpus=cpus, machine=f"{name},dtb-randomness=off" if has_seeds else name)
    return replace(run, machine=machine)


def runs_of(run: boot.Run, order: Order) -> List[boot.Run]:
    """Returns the run for each count of CPUs, which are checked, and each kind of roots."""
    counts = order.cpus or (run.machine.cpus,)
    kinds: List[Tuple[str, ...]] = [_arguments(run, order, kind) for kind in roots_of(run, order)] or [()]
    return [
        replace(_on_cpus(run, cpus), append=(*arguments, *run.append))
        for cpus in counts
        for arguments in kinds
    ]


def measure_all(runs: Sequence[boot.Run], order: Order, *, echo: bool = True) -> Measured:
    """Measures in each run, until the kernel does not pass."""
    every = Measured(int(Verdict.PASSED), [], [])
    for run in runs:
        done = measure(run, order, echo=echo)
        found = list(dict.fromkeys(every.found + done.found))
        every = Measured(done.verdict, every.rows + done.rows, found)
        if done.verdict != Verdict.PASSED:
            break
    return every


def _description(runs: Sequence[boot.Run]) -> str:
    machines = "; ".join(dict.fromkeys(run.machine.describe() for run in runs))
    return f"QEMU {installed_version()} {machines}"


def _write_json(
    path: Path,
    runs: Sequence[boot.Run],
    rows: Sequence[Row],
    growth: Sequence[bench_growth.Growth],
    estimates: Optional[mca.Estimates],
) -> None:
    report: Dict[str, object] = {
        "machine": _description(runs),
        "preset": runs[0].preset,
        "results": rows,
        **({"growth": [one.as_json() for one in growth]} if growth else {}),
        **({"mca": asdict(estimates)} if estimates is not None else {}),
    }
    try:
        path.write_text(json.dumps(report, indent=2) + "\n")
    except OSError as error:
        raise IoFailed(f"{path} cannot be written: {error.strerror}") from error
    say(f"results written to {path}")


def _measured_linux(order: Order, *, may_build: bool) -> Tuple[Linux, List[Row]]:
    """Returns Linux's figures, and its rows if it was measured."""
    if not order.linux:
        return STORED, []
    try:
        runs = measure_linux(may_build=may_build)
    except Unavailable as error:
        say(f"{error}. Linux's figures are those stored on {STORED_DATE}")
        return STORED, []
    rows = [row for run in runs for row in run.rows]
    return measured(runs), [
        row for row in rows if any(fnmatchcase(str(row["name"]), glob) for glob in order.globs or ("*",))
    ]


def bench(run: boot.Run, order: Order, *, may_build: bool) -> int:
    """Runs the command. Returns the kernel's verdict, or 3 if the kernel measured nothing."""
    if order.mode is not None and order.mode not in modes():
        raise UsageError(f"--mode takes one of {', '.join(modes())}, not '{order.mode}'")
    runs = runs_of(run, order)
    boot.prepare(run, may_build=may_build)
    if order.html is not None:
        page_library.provide(may_fetch=may_build)
    linux, of_linux = _measured_linux(order, may_build=may_build)
    done = measure_all(runs, order)
    if done.verdict != Verdict.PASSED:
        return done.verdict
    if not done.rows:
        in_mode = f" in mode {order.mode}" if order.mode else ""
        say(f"no benchmark matches {', '.join(order.globs) or '*'}{in_mode}")
        return int(Verdict.HANG)
    growth = bench_growth.growth_of(done.rows) if len(runs) > 1 else []
    texts = (
        f"\n{table(done.rows, linux)}",
        footnote(linux),
        bench_growth.growth_table(growth) if growth else "",
        probe_tables.walks([("", done.rows)]),
        not_counted(done.found),
    )
    print("\n\n".join(filter(None, texts)), flush=True)
    estimates = mca.estimate_kernel(elf(run.preset), order.globs) if order.mca else None
    if estimates is not None:
        print(f"\n{mca.table(estimates)}\n\n{mca.LIMITS}\n{mca.models_line(estimates)}", flush=True)
    if order.json is not None:
        _write_json(order.json, runs, done.rows + of_linux, growth, estimates)
    if order.html is not None:
        page.write(order.html, [Machine(_description(runs), done.found, done.rows)], estimates, linux)
    return int(Verdict.PASSED)

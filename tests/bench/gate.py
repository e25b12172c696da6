#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The gate of the benchmarks: boots them twice, and compares the counts with those of reference.json.

It fails if two boots differ, if a count is more than 2 % above its reference, or if the reference has other
rows than the kernel. `gate.py --rewrite REASON` measures and writes the reference anew. That belongs into the
commit that changes the counts, and the reason into the file.

The counts hold for one version of the compiler and one of QEMU, which the reference names. With others the
gate only reports, and is a skipped test. Nothing is built. Exit codes: 0 passed, 1 failed, 77 reported only.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from frontdoor import bench, boot, qemu_probe  # noqa: E402  (the path has to be set first)
from frontdoor.bench_rows import COUNTS, Row  # noqa: E402
from frontdoor.bench_table import number  # noqa: E402
from frontdoor.errors import FrontDoorError, Unavailable  # noqa: E402
from frontdoor.machine import Machine  # noqa: E402
from frontdoor.machine_options import BENCH_CPU  # noqa: E402
from frontdoor.testing import EXIT_SKIPPED, SKIP_MARK  # noqa: E402
from frontdoor.verdict import Verdict  # noqa: E402
from make_build_identity import commit as build_commit  # noqa: E402

REFERENCE = Path(__file__).resolve().parent / "reference.json"
COMPILER = "clang++-19"
CPU_COUNTS = (1, 4)
TOLERANCE_PERCENT = 2
REWRITE = "tests/bench/gate.py --rewrite REASON"

Key = Tuple[str, str, int]


@dataclass(frozen=True)
class Reference:
    """The counts that hold for these versions, and why they are no longer those before them."""

    compiler: str
    qemu: str
    reason: str
    rows: List[Row]

    def text(self) -> str:
        """Returns the content of the file: a line for each row, so that a change can be read."""
        head = {"compiler": self.compiler, "qemu": self.qemu, "reason": self.reason}
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = ",\n".join(f"    {json.dumps(row, separators=(',', ':'))}" for row in self.rows)
        return "\n".join(["{", *lines, '  "rows": [', rows, "  ]", "}", ""])

    @staticmethod
    def of(text: str) -> "Reference":
        """Reads the content of the file. Raises ValueError if it is damaged."""
        try:
            content = json.loads(text)
            compiler, qemu, reason = (str(content[name]) for name in ("compiler", "qemu", "reason"))
            reference = Reference(compiler, qemu, reason, content["rows"])
            by_key(reference.rows)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a field is missing or wrong: {error}") from error
        return reference


@dataclass(frozen=True)
class Comparison:
    """What differs from the reference: what makes the gate fail, and what became better."""

    worse: List[str]
    better: List[str]


def key_of(row: Row) -> Key:
    """Returns what tells a row from the others."""
    return str(row["name"]), str(row["mode"]), int(row["cpus"])


def by_key(rows: Sequence[Row]) -> Dict[Key, Row]:
    """Returns the rows by their keys."""
    return {key_of(row): row for row in rows}


def _title(key: Key) -> str:
    name, mode, cpus = key
    return f"{name} ({'' if mode == bench.NO_MODE else mode + ', '}{cpus} CPUs)"


def compare(reference: Sequence[Row], measured: Sequence[Row]) -> Comparison:
    """Compares all counts of all rows. A row that only one side has counts as worse, so that a new name hides
    nothing."""
    old, new = by_key(reference), by_key(measured)
    worse = [f"{_title(key)}: is in the reference, but was not measured" for key in old if key not in new]
    worse += [f"{_title(key)}: was measured, but is not in the reference" for key in new if key not in old]
    better = []
    for key in (key for key in new if key in old):
        for count in COUNTS:
            before, now = float(old[key].get(count, 0)), float(new[key].get(count, 0))
            text = f"{_title(key)}: {number(before)} {count} became {number(now)}"
            # In whole numbers of hundredths, so that 2 % of 1.00 is exact.
            if round(now * 100) * 100 > round(before * 100) * (100 + TOLERANCE_PERCENT):
                worse.append(text)
            elif round(now * 100) * 100 < round(before * 100) * (100 - TOLERANCE_PERCENT):
                better.append(text)
    return Comparison(worse, better)


def differences(first: Sequence[Row], second: Sequence[Row]) -> List[str]:
    """Returns where two boots of one kernel differ."""
    one, other = by_key(first), by_key(second)
    return [
        f"{_title(key)}: {one.get(key)} in one boot, {other.get(key)} in the next"
        for key in {**one, **other}
        if one.get(key) != other.get(key)
    ]


def version_of(program: str) -> str:
    """Returns the version that a program states with --version. Raises Unavailable if it states none."""
    try:
        text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise Unavailable(f"{program} cannot be run: {error.strerror}") from error
    match = re.search(r"version (\d+(?:\.\d+)+)", text)
    if match is None:
        raise Unavailable(f"{program} states no version")
    return match[1]


def measured_rows() -> List[Row]:
    """Boots the default preset with all its benchmarks, on each count of CPUs. Raises FrontDoorError if the
    kernel does not pass."""
    run = boot.Run(Machine(cpu=BENCH_CPU, icount=True))
    boot.prepare(run, may_build=False)
    order = bench.Order(cpus=CPU_COUNTS)
    done = bench.measure_all(bench.runs_of(run, order), order, echo=False)
    if done.verdict != Verdict.PASSED:
        raise FrontDoorError(f"the benchmarks ended with {Verdict(done.verdict).name.lower()}", done.verdict)
    commit = build_commit(ROOT).rstrip("+")
    if not any(f", commit {commit}" in line for line in done.found if line.startswith("Percival ")):
        raise FrontDoorError(f"the Image was not built at commit {commit}", int(Verdict.HANG))
    return [
        {name: value for name, value in row.items() if name not in ("preset", "roots")} for row in done.rows
    ]


def _rewrite(reason: str) -> int:
    if not reason.strip():
        print("gate: --rewrite needs a reason")
        return 1
    rows = measured_rows()
    versions = version_of(COMPILER), version_of(qemu_probe.PROGRAM)
    REFERENCE.write_text(Reference(*versions, reason.strip(), rows).text())
    print(f"gate: {len(rows)} rows written to {REFERENCE}")
    return 0


def _check() -> int:
    reference = Reference.of(REFERENCE.read_text())
    here = {"compiler": version_of(COMPILER), "qemu": version_of(qemu_probe.PROGRAM)}
    rows = measured_rows()
    changing = differences(rows, measured_rows())
    comparison = compare(reference.rows, rows)
    for title, lines in (
        ("two boots differ", changing),
        (f"worse than the reference by more than {TOLERANCE_PERCENT} %", comparison.worse),
        (f"better by more than {TOLERANCE_PERCENT} %: a new reference would keep it", comparison.better),
    ):
        if lines:
            print("\n".join([f"gate: {title}:", *(f"  {line}" for line in lines)]))
    if changing:
        return 1
    print(f"gate: two boots agree in all {len(rows)} rows, to the hundredth of an instruction")
    meant = {"compiler": reference.compiler, "qemu": reference.qemu}
    if here != meant:
        print(
            f"{SKIP_MARK}NOT JUDGED: the reference holds for {COMPILER} {meant['compiler']} and QEMU "
            f"{meant['qemu']}, and here are {here['compiler']} and {here['qemu']}; "
            f"{len(comparison.worse)} rows would be worse"
        )
        return EXIT_SKIPPED
    if comparison.worse:
        print(f"gate: make it cheaper, or say in the same commit why it has to cost more: {REWRITE}")
        return 1
    print("gate: no row is worse than its reference")
    return 0


def main() -> int:
    """Checks, or writes the reference."""
    parser = argparse.ArgumentParser(description="Compares the benchmarks with reference.json.")
    parser.add_argument("--rewrite", metavar="REASON", help="write the reference anew, for this reason")
    reason = parser.parse_args().rewrite
    try:
        return _check() if reason is None else _rewrite(reason)
    except (FrontDoorError, OSError, ValueError) as error:
        print(f"gate: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

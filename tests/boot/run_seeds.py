# SPDX-License-Identifier: BSD-2-Clause
"""Boots the kernel with bad input, made by seeds (damage_by_seed.py), and checks that every run boots or ends
by itself, and that it says why wherever the tree's UART is still known. Exit codes: 0 passed, 1 failed.

usage: run_seeds.py SEED|FIRST-LAST
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from damage_by_seed import Base, Kind, base_of, damaged_image, damaged_tree, edit, kind_of  # noqa: E402
from flat_tree import FlatTree  # noqa: E402
from frontdoor import console, qemu  # noqa: E402
from frontdoor.machine import Machine  # noqa: E402
from frontdoor.paths import build_dir, image  # noqa: E402
from frontdoor.verdict import Verdict, decide, parse_line  # noqa: E402
from loader import IMAGE_AT, TREE_AT, assemble  # noqa: E402
from row import Row  # noqa: E402
from tree_text import TreeText  # noqa: E402
from trees import DEVICE_TREES, qemus_own  # noqa: E402

LISTED = re.compile(r"1\.\.0 # SKIP self-tests are listed, not run")
PLAN = re.compile(r"1\.\.[1-9]\d*")
QEMU_FAILED = 1
STOPPED = re.compile(r"percival: this machine cannot be turned off; stopped")


class Ended(Exception):
    """The kernel has shown on the console how the run ends, and need not go on."""


@dataclass
class Seen:
    """What a run has shown. `exit_code` is QEMU's, None if it did not end by itself. `is_over` says that the
    run was ended because all was seen: the self-tests begin, as their argument is damaged, or the kernel says
    that it has stopped."""

    lines: List[str] = field(default_factory=list)
    exit_code: Optional[int] = None
    is_over: bool = False

    def observe(self, line: str) -> None:
        """Takes a line of the console."""
        self.lines.append(line)
        if PLAN.fullmatch(line) or STOPPED.fullmatch(line):
            self.is_over = True
            raise Ended

    @property
    def has_booted(self) -> bool:
        """Whether the kernel got as far as to the self-tests."""
        return any(LISTED.fullmatch(line) or PLAN.fullmatch(line) for line in self.lines)

    @property
    def verdict(self) -> Optional[Verdict]:
        """The verdict that the console states."""
        stated = [verdict for verdict in map(parse_line, self.lines) if verdict is not None]
        return stated[-1] if stated else None

    def problem_of_verdict(self) -> str:
        """Returns why there is no verdict, as the front door would, or an empty string."""
        if self.is_over or self.exit_code is None:
            return ""
        # With its argument damaged the verdict may come either way.
        decisions = [decide(self.exit_code, self.verdict, semihosting) for semihosting in (True, False)]
        return "" if any(not decision.reason for decision in decisions) else decisions[0].reason


def wrong(kind: Kind, uart_is_whole: bool, seen: Seen) -> List[str]:
    """Returns what is wrong with a run."""
    problems = []
    if seen.exit_code is None and not seen.is_over:
        problems.append("it did not end")
    if seen.exit_code == QEMU_FAILED and seen.verdict is not Verdict.FAILED:
        problems.append("QEMU could not start")
    if uart_is_whole and not seen.lines:
        problems.append("the UART is whole, and nothing was printed")
    elif uart_is_whole and seen.problem_of_verdict():
        problems.append(seen.problem_of_verdict())
    if kind.is_of_image and seen.verdict is not Verdict.PANIC:
        problems.append("a damaged Image was not refused")
    return problems


def row_of(base: Base) -> Row:
    """Returns the machine that a tree describes."""
    arguments = "selftest.list verdict=semihosting"
    machine = Row("seed", cpus=2, cpu="cortex-a72", memory="256M", append=arguments, tree=base.name)
    return replace(machine, gic=base.gic, el=base.el)


@lru_cache(maxsize=None)
def whole_tree(base: Base) -> bytes:
    """Returns the base's tree without damage."""
    with tempfile.TemporaryDirectory(prefix="percival-") as directory:
        row = row_of(base)
        if row.tree.endswith(".dts"):
            tree = TreeText((DEVICE_TREES / row.tree).read_text())
            tree.replace("chosen", "bootargs", f'"{row.append}"')
        else:
            tree = qemus_own(row, Path(directory))
            edit(base, tree)
        blob = Path(directory) / "whole.dtb"
        tree.compile(blob)
        return blob.read_bytes()


def changed(before: bytes, after: bytes) -> List[int]:
    """Returns the offsets of the bytes that are damaged."""
    return [at for at, byte in enumerate(before) if at >= len(after) or after[at] != byte]


def boot(row: Row, tree: bytes, kernel: bytes) -> Seen:
    """Boots the kernel with the tree and returns what was seen."""
    machine = Machine(row.cpus, row.cpu, row.memory, row.machine)
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="percival-") as name:
        directory = Path(name)
        loader = ["-kernel", str(assemble(row, directory))]
        extra: List[str] = []
        for file, data, at in (("tree", tree, TREE_AT), ("Image", kernel, IMAGE_AT)):
            (directory / file).write_bytes(data)
            extra += ["-device", f"loader,file={directory / file},addr={at:#x},force-raw=on"]
        command = qemu.command(machine, loader, extra=extra)
        try:
            outcome = console.run(command, machine.default_timeout_s, seen.observe, echo=False)
            seen.exit_code = outcome.exit_code
        except Ended:
            pass
    return seen


def run(seed: int) -> bool:
    """Boots with a seed's damage, tells what came of it, and returns whether that is right."""
    kind, base = kind_of(seed), base_of(seed)
    row = row_of(base)
    tree, kernel = whole_tree(base), image(row.preset).read_bytes()
    uart_is_whole = True
    if kind.is_of_image:
        kernel, what = damaged_image(seed, kernel, build_dir(row.preset) / "percival.nm")
    else:
        whole, tree = tree, damaged_tree(seed, tree)
        damage = changed(whole, tree)
        uart_is_whole = FlatTree(whole).bytes_of_device(base.uart).isdisjoint(damage)
        what = (
            f"{len(tree)} of {len(whole)} bytes"
            if kind is Kind.CUT
            else "bytes " + ", ".join(f"{at:#x}" for at in damage)
        )
    seen = boot(row, tree, kernel)
    problems = wrong(kind, uart_is_whole, seen)
    verdict = "booted" if seen.has_booted else seen.verdict.name.lower() if seen.verdict else "no verdict"
    about = f"{base.name}, GICv{base.gic}, EL{base.el}: {kind.value}: {what}"
    whole_text = "the UART is whole" if uart_is_whole else "the UART is damaged"
    print(f"seed {seed}: {about}; {whole_text}: {verdict}", flush=True)
    if problems:
        print("\n".join(f"  {line}" for line in seen.lines))
    for problem in problems:
        print(f"WRONG: seed {seed}: {problem}; repeat it with: python3 tests/boot/run_seeds.py {seed}")
    return not problems


def main(seeds: str) -> int:
    """Runs the seeds; returns the exit code."""
    first, _, last = seeds.partition("-")
    results = [run(seed) for seed in range(int(first), int(last or first) + 1)]
    print(f"{results.count(True)} of {len(results)} seeds are right")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

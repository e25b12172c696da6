# SPDX-License-Identifier: BSD-2-Clause
"""`percival boot`: builds the kernel, boots it in QEMU, and exits with the kernel's own verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from frontdoor import build, console, qemu, setup
from frontdoor.errors import UsageError
from frontdoor.machine import Machine, kernel_arguments
from frontdoor.paths import elf, image
from frontdoor.progress import say
from frontdoor.verdict import Decision, Verdict, decide, parse_line

GDB_ADDRESS = "127.0.0.1:1234"


@dataclass(frozen=True)
class Run:
    """What to boot. `timeout_s` limits the run: None is the machine's default, and 0 is no limit. `dtb` is
    the machine's device tree, if QEMU is not to make it. `more` are arguments for QEMU."""

    machine: Machine
    preset: str = build.DEFAULT_PRESET
    append: Tuple[str, ...] = ()
    timeout_s: Optional[float] = None
    more: Tuple[str, ...] = ()
    dtb: Optional[Path] = None

    @property
    def extra(self) -> Tuple[str, ...]:
        """All additional arguments for QEMU."""
        return (*(("-dtb", str(self.dtb)) if self.dtb else ()), *self.more)


def check_tree(run: Run) -> None:
    """Raises UsageError if the machine would get no device tree. The kernel would know no console then, and
    the run would be silent."""
    if run.dtb is not None and not run.dtb.is_file():
        raise UsageError(f"--dtb: there is no file {run.dtb}")
    if not run.machine.has_own_tree and "-dtb" not in run.extra:
        board = run.machine.machine.split(",", 1)[0]
        raise UsageError(
            f"QEMU makes no device tree for the machine {board}: give one with --dtb FILE, "
            "such as the board's .dtb of Linux"
        )


def prepare(run: Run, *, may_build: bool = True) -> None:
    """Checks the arguments, sets the machine up and builds, in this order."""
    build.check_kernel_preset(run.preset)
    check_tree(run)
    if may_build:
        setup.ensure()
    qemu.check_cpu(run.machine)
    if may_build:
        build.build(run.preset)
    build.check_image(run.preset)


def execute(
    run: Run, observe: Callable[[str], None], *, gdb: Optional[str] = None, echo: bool = True
) -> Decision:
    """Boots a prepared kernel, waits for its end, and passes every console line to `observe`."""
    stated: List[Verdict] = []

    def watch(line: str) -> None:
        verdict = parse_line(line)
        if verdict is not None:
            stated.append(verdict)
        observe(line)

    timeout_s = run.machine.default_timeout_s if run.timeout_s is None else run.timeout_s
    command = qemu.command(run.machine, image(run.preset), run.append, gdb=gdb, extra=run.extra)
    outcome = console.run(command, timeout_s or None, watch, echo=echo)
    if outcome.exit_code is None:
        return Decision(int(Verdict.HANG), f"no end after {timeout_s:g} s: QEMU was killed")
    semihosting = "verdict=semihosting" in kernel_arguments(run.append).split()
    return decide(outcome.exit_code, stated[-1] if stated else None, semihosting)


def boot(run: Run, *, may_build: bool, wait_for_gdb: bool) -> int:
    """Runs the command and returns its exit code."""
    prepare(run, may_build=may_build)
    if wait_for_gdb:
        say("the machine waits for gdb. In another terminal:")
        say(f"  gdb-multiarch {elf(run.preset)} -ex 'target remote {GDB_ADDRESS}'")
    decision = execute(run, lambda line: None, gdb=f"tcp:{GDB_ADDRESS}" if wait_for_gdb else None)
    if decision.reason:
        say(decision.reason)
    return decision.exit_code

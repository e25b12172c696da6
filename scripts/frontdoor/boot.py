# SPDX-License-Identifier: BSD-2-Clause
"""`percival boot`: builds the kernel, boots it in QEMU, and exits with the kernel's own verdict."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Tuple

from frontdoor import boards, build, console, foreign_packages, loaders, qemu, setup
from frontdoor.errors import UsageError
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.machine import Machine, kernel_arguments
from frontdoor.paths import elf, image
from frontdoor.progress import say
from frontdoor.verdict import Decision, Verdict, decide, parse_line

GDB_ADDRESS = "127.0.0.1:1234"


@dataclass(frozen=True)
class Run:
    """What to boot. `timeout_s` limits the run: None is the machine's default, and 0 is no limit. `dtb` is
    the machine's device tree, if it is not to be the board's own or QEMU's. `more` are arguments for QEMU.
    `loader` is one of LOADERS, if QEMU is not to start the kernel itself. `card` is an image with kernel and
    boot arguments, which U-Boot or EDK2 boots instead of the build's kernel."""

    machine: Machine
    preset: str = build.DEFAULT_PRESET
    append: Tuple[str, ...] = ()
    timeout_s: Optional[float] = None
    more: Tuple[str, ...] = ()
    dtb: Optional[Path] = None
    loader: Optional[str] = None
    card: Optional[Path] = None

    @property
    def given_tree(self) -> Optional[Path]:
        """The device tree that the user gives, in either way."""
        if self.dtb is None and "-dtb" in self.more[:-1]:
            return Path(self.more[self.more.index("-dtb") + 1])
        return self.dtb

    @property
    def tree(self) -> Optional[Path]:
        """The machine's device tree; None if QEMU makes it."""
        return self.given_tree or boards.tree_of(self.machine.machine)

    @property
    def extra(self) -> Tuple[str, ...]:
        """All additional arguments for QEMU."""
        is_here = "-dtb" in self.more or self.tree is None
        return (*(() if is_here else ("-dtb", str(self.tree))), *self.more)

    @property
    def packages(self) -> Tuple[ForeignPackage, ...]:
        """The packages that the run needs parts of."""
        board = boards.board_of(self.machine.machine)
        needs_tree = board is not None and board.tree and self.given_tree is None
        return (
            *((foreign_packages.KERNEL,) if needs_tree else ()),
            *(loaders.packages_of(self.loader, self.machine) if self.loader or self.card else ()),
        )

    @contextlib.contextmanager
    def command(self, gdb: Optional[str] = None, *, kernel: Optional[Path] = None) -> Iterator[List[str]]:
        """Makes what the machine boots from, and yields QEMU's command line. `gdb` is a -gdb value. `kernel`
        is an Image other than the preset's."""
        with tempfile.TemporaryDirectory(prefix="percival-") as directory:
            if self.card is not None:
                loaded = loaders.qemu_options_of_card(self.loader, self.card, self.machine)
            else:
                loaded = loaders.qemu_options(
                    self.loader,
                    self.machine,
                    kernel or image(self.preset),
                    kernel_arguments(self.append),
                    Path(directory),
                    extra=self.extra,
                )
            port = boards.serial_port(self.machine.machine, self.tree)
            yield qemu.command(self.machine, loaded, port=port, gdb=gdb, extra=self.extra)


def check_tree(run: Run) -> None:
    """Raises UsageError if the machine would get no device tree. The kernel would know no console then, and
    the run would be silent."""
    if run.dtb is not None and not run.dtb.is_file():
        raise UsageError(f"--dtb: there is no file {run.dtb}")
    if not run.machine.has_own_tree and boards.board_of(run.machine.machine) is None and not run.given_tree:
        raise UsageError(
            f"QEMU makes no device tree for the machine {run.machine.name}: give one with --dtb FILE, "
            "such as the board's .dtb of Linux"
        )


def check_card(run: Run) -> None:
    """Raises UsageError if the machine cannot boot the card, or if arguments are given that the card has."""
    if run.card is None:
        return
    if run.loader not in (None, loaders.EDK2) or run.append:
        raise UsageError(
            f"--card: U-Boot boots it, or EDK2 with --loader {loaders.EDK2}, and the boot arguments are in "
            "it: leave out --append and any other --loader"
        )
    if not run.card.is_file():
        raise UsageError(f"--card: there is no file {run.card}")
    if "," in str(run.card):
        raise UsageError(f"--card: QEMU takes no comma in a file's name: {run.card}")
    loaders.check_machine(run.loader, run.machine)


def provide_packages(run: Run, *, may_fetch: bool) -> None:
    """Fetches the packages that the run needs parts of. Raises Unavailable if one cannot be had."""
    for package in run.packages:
        foreign_packages.require(package, may_fetch=may_fetch)


def prepare(run: Run, *, may_build: bool = True) -> None:
    """Checks the arguments, sets the machine up and builds, in this order."""
    build.check_kernel_preset(run.preset)
    check_tree(run)
    check_card(run)
    if run.loader:
        loaders.check(run.loader, run.machine, kernel_arguments(run.append))
    if may_build:
        setup.ensure()
    qemu.check_machine(run.machine)
    qemu.check_cpu(run.machine)
    provide_packages(run, may_fetch=may_build)
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
    with run.command(gdb) as command:
        outcome = console.run(command, timeout_s or None, watch, echo=echo)
    if outcome.exit_code is None:
        return Decision(int(Verdict.HANG), f"no end after {timeout_s:g} s: QEMU was killed")
    # What a card says is not known here. A machine that turns itself off ends with 0.
    asks_for = "verdict=semihosting" in kernel_arguments(run.append).split()
    semihosting = asks_for if run.card is None else outcome.exit_code != 0
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

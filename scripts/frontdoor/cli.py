# SPDX-License-Identifier: BSD-2-Clause
"""The command line: what may be typed, its help, and which command does it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any, List, NoReturn, Optional, Sequence, Tuple

from frontdoor import bench, boot, boot_arguments, build, debug, layout, setup, testing
from frontdoor.errors import EXIT_CODES_HELP, EXIT_INTERRUPTED, EXIT_USAGE, FrontDoorError, UsageError
from frontdoor.machine import MAX_CPUS, MAX_CPUS_GICV2, Machine
from frontdoor.verdict import VERDICTS_HELP

DEFAULT = Machine()
BENCH_CPU = "neoverse-n1"
DEBUG_CPU = "max,pauth=off"  # gdb cannot read signed return addresses: its backtraces would end at the first


class _Formatter(argparse.HelpFormatter):
    """Keeps the lines of a table, which begin with blanks, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        lines = text.split("\n")
        return "\n".join(line if line.startswith("  ") else fill(line, width, indent) for line in lines)


class _Parser(argparse.ArgumentParser):
    """argparse leaves with 2 on wrong arguments; 2 is the kernel's panic. Options are spelled out: what is
    not ours may be ctest's."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **settings)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def _add_machine(parser: argparse.ArgumentParser, cpu: str, *, icount: bool) -> None:
    """The options that say what to boot on; the same for every command that boots."""
    parser.add_argument(
        "--cpus",
        type=int,
        default=DEFAULT.cpus,
        metavar="N",
        help=f"number of CPUs, 1 to {MAX_CPUS}, with a GICv2 to {MAX_CPUS_GICV2} (default: %(default)s)",
    )
    parser.add_argument("--cpu", default=cpu, metavar="MODEL", help="QEMU's CPU model (default: %(default)s)")
    parser.add_argument(
        "--memory",
        default=DEFAULT.memory,
        metavar="SIZE",
        help="memory with a unit: M for MiB, G for GiB, T for TiB (default: %(default)s)",
    )
    parser.add_argument(
        "--machine",
        default=DEFAULT.machine,
        metavar="M",
        help="QEMU's -machine value, such as virt,gic-version=2 or virt,virtualization=on, which "
        "enters the kernel at EL2 (default: %(default)s, with gic-version=3)",
    )
    if icount:
        parser.add_argument(
            "--icount",
            action="store_true",
            help="count instructions, not time (-icount shift=0,sleep=off): deterministic, one host CPU",
        )
    parser.add_argument(
        "--preset",
        default=build.DEFAULT_PRESET,
        metavar="P",
        help=f"the build to boot, one of: {', '.join(_kernel_presets())} (default: %(default)s)",
    )
    parser.add_argument(
        "--append",
        action="append",
        default=[],
        metavar="ARGS",
        help="boot arguments for the kernel, which percival boot --help lists; may be given several times. "
        "verdict=poweroff ends the machine by PSCI instead of semihosting",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="seconds after which the run counts as hung, 0 for never (default: 180 + 5 for each CPU, "
        "doubled under icount; none with a debugger)",
    )
    parser.add_argument("--no-build", action="store_true", help="boot what is there: no set-up, no build")
    parser.add_argument(
        "--qemu-arg",
        action="append",
        default=[],
        metavar="ARG",
        help="one more argument for QEMU, as --qemu-arg=-d; may be given several times",
    )


def _kernel_presets() -> List[str]:
    try:
        return [name for name in build.presets() if name != build.HOST_PRESET]
    except FrontDoorError:
        return [build.DEFAULT_PRESET]


def _boot_arguments_help() -> str:
    try:
        lines = boot_arguments.help_lines()
        return "\n".join(["Boot arguments (--append), their defaults and meanings:", *lines])
    except FrontDoorError as error:
        return f"Boot arguments: {error}"


def _run(
    args: argparse.Namespace,
    extra_append: Tuple[str, ...] = (),
    *,
    debugger: bool = False,
    icount: Optional[bool] = None,
) -> boot.Run:
    machine = Machine(
        args.cpus, args.cpu, args.memory, args.machine, args.icount if icount is None else icount
    )
    timeout_s = 0.0 if debugger and args.timeout is None else args.timeout
    return boot.Run(machine, args.preset, extra_append + tuple(args.append), timeout_s, tuple(args.qemu_arg))


def _setup(args: argparse.Namespace) -> int:
    return setup.check() if args.check else setup.setup()


def _boot(args: argparse.Namespace) -> int:
    return boot.boot(_run(args, debugger=args.gdb), may_build=not args.no_build, wait_for_gdb=args.gdb)


def _debug(args: argparse.Namespace) -> int:
    return debug.debug(_run(args, debugger=True), args.rest, may_build=not args.no_build)


def _layout(args: argparse.Namespace) -> int:
    return layout.layout(args.preset)


def _bench(args: argparse.Namespace) -> int:
    if any(" " in glob for glob in args.globs):
        raise UsageError("a benchmark's name has no blank in it")
    run = _run(args, (bench.boot_argument(args.globs),), icount=True)
    return bench.bench(run, args.globs, args.json, may_build=not args.no_build)


def _test(args: argparse.Namespace) -> int:
    if args.mutants:
        return testing.mutants(args.rest, may_build=not args.no_build)
    return testing.test(args.rest, may_build=not args.no_build)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="percival",
        description="Percival, an AArch64 kernel in which every CPU runs on its own page "
        "table. Each command sets the machine up and builds as far as needed.",
        epilog=f"Exit codes: boot and bench: {VERDICTS_HELP}. All commands: {EXIT_CODES_HELP}",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def add(
        name: str, action: object, summary: str, details: str, exit_codes: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {details}",
            epilog=f"Exit codes: {exit_codes}; {EXIT_CODES_HELP}",
        )
        command.set_defaults(action=action)
        return command

    sub = add(
        "setup",
        _setup,
        "install what the build and the tests need",
        "Debian packages are installed without questions, as root or through sudo; where all is there, "
        "nothing is done. QEMU 10 is taken from the release's backports if they can be had.",
        "0 all is there",
    )
    sub.add_argument(
        "--check", action="store_true", help="only report: exit code 0 when nothing is missing, else 1"
    )

    sub = add(
        "boot",
        _boot,
        "boot the kernel in QEMU",
        "The console goes to stdout, all else to stderr.",
        VERDICTS_HELP,
    )
    _add_machine(sub, DEFAULT.cpu, icount=True)
    sub.epilog = f"{_boot_arguments_help()}\n \n{sub.epilog}"
    sub.add_argument(
        "--gdb",
        action="store_true",
        help=f"wait for gdb on {boot.GDB_ADDRESS} before the first instruction (-S)",
    )

    sub = add(
        "test",
        _test,
        "run every test",
        "Builds every preset (" + ", ".join(build.presets()) + ") and runs ctest; "
        "other arguments go to ctest, such as -L boot, -R NAME or -N. Ends with what was skipped, and why.",
        "ctest's: 0 all passed, 8 a test failed",
    )
    sub.add_argument("--no-build", action="store_true", help="test what is there: no set-up, no build")
    sub.add_argument(
        "--mutants",
        action="store_true",
        help="instead, leave one barrier, TLB invalidation, check or lock after the other out of a copy of the "
        "tree, and show that a test fails each time; other arguments are globs of mutants' names",
    )
    sub.usage = "percival test [-h] [--no-build] [--mutants] [CTEST-ARGUMENT ...]"

    sub = add(
        "debug",
        _debug,
        "debug the kernel in gdb",
        f"Stops at {debug.FIRST_LINE}, the first line in the kernel's own "
        "address space. Besides gdb's own commands there are: percpu CPU VARIABLE (that CPU's copy), ptwalk "
        "ADDRESS [CPU] (the descriptors on the way to a physical address), roots (each CPU's root table) and "
        "threads (what each CPU runs, and what is ready to). Arguments after -- go to gdb: percival debug -- -batch -ex bt.",
        "gdb's",
    )
    _add_machine(sub, DEBUG_CPU, icount=True)

    sub = add(
        "layout",
        _layout,
        "print the address space",
        "Every region with its addresses, its entries of the root table, and what CPUs share of it, "
        "from the kernel's own constants. Boots nothing.",
        "0 printed",
    )
    sub.add_argument(
        "--preset",
        default=build.DEFAULT_PRESET,
        metavar="P",
        help=f"the build whose layout it is, one of: {', '.join(_kernel_presets())} (default: %(default)s)",
    )

    sub = add(
        "bench",
        _bench,
        "measure operations in instructions",
        "Boots under icount and prints a table, with Linux's figures beside.",
        VERDICTS_HELP,
    )
    _add_machine(sub, BENCH_CPU, icount=False)
    sub.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    sub.add_argument(
        "globs", nargs="*", metavar="GLOB", help="which benchmarks, such as 'this_cpu_*' (default: all)"
    )
    return top


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """`debug` passes on what follows --, `test` whatever it does not know itself."""
    if arguments[:1] == ["debug"] and "--" in arguments:
        split = list(arguments).index("--")
        args = parser().parse_args(arguments[:split])
        args.rest = list(arguments[split + 1 :])
    elif arguments[:1] == ["test"]:
        args, args_rest = parser().parse_known_args(arguments)
        args.rest = args_rest
    else:
        args = parser().parse_args(arguments)
        args.rest = []
    return args


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit code. SIGINT is taken as well where a shell script has us start
    with it ignored, as a job in the background."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        args = _parse(arguments)
        return int(args.action(args))
    except FrontDoorError as error:
        print(f"percival: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read stdout has gone; without this Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        print("percival: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED

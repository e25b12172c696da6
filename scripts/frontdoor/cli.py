# SPDX-License-Identifier: BSD-2-Clause
"""The command line: parses it, shows its help, and runs the command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any, List, NoReturn, Optional, Sequence, Tuple

from frontdoor import (
    bench,
    boards,
    boot,
    boot_arguments,
    build,
    debug,
    image,
    image_boards,
    layout,
    loaders,
    serial,
    serial_port,
    setup,
    testing,
)
from frontdoor.errors import EXIT_CODES_HELP, EXIT_INTERRUPTED, EXIT_USAGE, FrontDoorError, UsageError
from frontdoor.machine import MAX_CPUS, MAX_CPUS_GICV2, Machine, of_board
from frontdoor.verdict import VERDICTS_HELP

DEFAULT = Machine()
BENCH_CPU = "neoverse-n1"
DEBUG_CPU = "max,pauth=off"  # gdb cannot read signed return addresses: its backtraces would end at the first


class _Formatter(argparse.HelpFormatter):
    """Does not refill the lines of a table, which begin with blanks."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        lines = text.split("\n")
        return "\n".join(line if line.startswith("  ") else fill(line, width, indent) for line in lines)


class _Parser(argparse.ArgumentParser):
    """Exits with EXIT_USAGE on wrong arguments. (argparse would exit with 2, which is the verdict of a kernel
    panic.) Does not accept abbreviated options, because an unknown option may be one of ctest's."""

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


def _add_machine(parser: argparse.ArgumentParser, cpu: str, *, measures: bool = False) -> None:
    """Adds the options of the machine and the boot, which all commands that boot share."""
    parser.add_argument(
        "--cpus",
        type=int,
        metavar="N",
        help=f"number of CPUs, 1 to {MAX_CPUS}, with a GICv2 to {MAX_CPUS_GICV2} (default: {DEFAULT.cpus}, "
        "or the board's)",
    )
    parser.add_argument("--cpu", metavar="MODEL", help=f"QEMU's CPU model (default: {cpu}, or the board's)")
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help=f"memory with a unit: M for MiB, G for GiB, T for TiB (default: {DEFAULT.memory}, or the "
        "board's). QEMU writes it into the device tree, as firmware does",
    )
    parser.set_defaults(cpu_of_virt=cpu)
    parser.add_argument(
        "--machine",
        default=DEFAULT.machine,
        metavar="M",
        help="QEMU's -machine value, such as virt,gic-version=2 or virt,virtualization=on, which "
        "enters the kernel at EL2 (default: %(default)s, with gic-version=3), or a board: "
        + ", ".join(boards.BOARDS),
    )
    parser.add_argument(
        "--dtb",
        type=Path,
        metavar="FILE",
        help="the machine's device tree. The boards above have the one of Debian's kernel package, and "
        "virt has QEMU's",
    )
    parser.add_argument(
        "--loader",
        choices=loaders.LOADERS,
        help="start the kernel through U-Boot, on virt and on Raspberry Pis: from a disk with extlinux.conf, "
        "from one with a script, or by network (virt only)",
    )
    if measures:
        parser.set_defaults(card=None)
    else:
        parser.add_argument(
            "--card",
            type=Path,
            metavar="FILE",
            help="boot this image of an SD card, which percival image makes, through U-Boot. Its kernel and "
            "its boot arguments count; with verdict=semihosting in these, every board's run ends",
        )
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
        "verdict=poweroff ends the machine by PSCI instead of semihosting, and verdict=reset resets it",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="seconds after which the run counts as hung, 0 for never (default: 180 + 5 for each CPU + "
        "a 40th of the square of their number, doubled under icount; none with a debugger)",
    )
    parser.add_argument("--no-build", action="store_true", help="boot the existing build, without set-up")
    parser.add_argument(
        "--qemu-arg",
        action="append",
        default=[],
        metavar="ARG",
        help="one more argument for QEMU, as --qemu-arg=-d; may be given several times",
    )


def _add_image(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `percival image`."""
    parser.epilog = f"Boards (--board):\n{image_boards.table_lines()}\n \n{parser.epilog}"
    parser.add_argument("--board", required=True, metavar="B", help="the board, from the table below")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the results go (default: build/images/B)"
    )
    parser.add_argument(
        "--append",
        action="append",
        default=[],
        metavar="ARGS",
        help="boot arguments for the kernel, which percival boot --help lists; may be given several times "
        "(default: verdict=poweroff)",
    )
    parser.add_argument(
        "--firmware",
        type=Path,
        metavar="DIR",
        help="a Raspberry Pi's firmware, device trees and overlays: the directory boot of its firmware, or a "
        "boot partition (default: what Debian's packages have)",
    )
    parser.add_argument(
        "--uart",
        metavar="U",
        help="the console of a Raspberry Pi 3 or 4: mini (default), or pl011, which takes the UART away from "
        "Bluetooth and needs an overlay from --firmware",
    )
    parser.add_argument(
        "--u-boot",
        type=Path,
        metavar="FILE",
        help="the board's U-Boot, to be put where the board looks for it on the card: flash.bin of an i.MX "
        "8M Plus, u-boot-rockchip.bin of a ROCK 5B, BOOT.BIN of a Zynq or Versal",
    )
    parser.add_argument(
        "--preset",
        default=build.DEFAULT_PRESET,
        metavar="P",
        help=f"the build to take, one of: {', '.join(_kernel_presets())} (default: %(default)s)",
    )
    parser.add_argument("--no-build", action="store_true", help="take the existing build, without set-up")


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
    machine = of_board(
        args.machine,
        args.cpus,
        args.cpu,
        args.memory,
        cpu_of_virt=args.cpu_of_virt,
        icount=args.icount if icount is None else icount,
    )
    timeout_s = 0.0 if debugger and args.timeout is None else args.timeout
    append = extra_append + tuple(args.append)
    return boot.Run(
        machine, args.preset, append, timeout_s, tuple(args.qemu_arg), args.dtb, args.loader, args.card
    )


def _setup(args: argparse.Namespace) -> int:
    return setup.check() if args.check else setup.setup()


def _boot(args: argparse.Namespace) -> int:
    return boot.boot(_run(args, debugger=args.gdb), may_build=not args.no_build, wait_for_gdb=args.gdb)


def _serial(args: argparse.Namespace) -> int:
    return serial.serial(
        serial.Options(args.device, args.baud, args.timeout, args.reset, args.log, args.junit, args.json)
    )


def _debug(args: argparse.Namespace) -> int:
    return debug.debug(_run(args, debugger=True), args.rest, may_build=not args.no_build)


def _layout(args: argparse.Namespace) -> int:
    return layout.layout(args.preset)


def _bench(args: argparse.Namespace) -> int:
    if any(" " in glob for glob in args.globs):
        raise UsageError("a benchmark's name has no blank in it")
    run = _run(args, (bench.boot_argument(args.globs),), icount=True)
    return bench.bench(run, args.globs, args.json, may_build=not args.no_build)


def _image(args: argparse.Namespace) -> int:
    order = image.Order(
        args.board, args.preset, tuple(args.append), args.out, args.firmware, args.u_boot, args.uart
    )
    return image.make_image(order, may_build=not args.no_build)


def _test(args: argparse.Namespace) -> int:
    if args.mutants:
        chosen = testing.GeneratedMutants(args.seed, args.count, args.all, args.afresh)
        return testing.mutants(args.rest, chosen, may_build=not args.no_build)
    if args.seed is not None or args.count is not None or args.all or args.afresh:
        raise UsageError("--seed, --count, --all and --afresh choose mutants: give --mutants, too")
    return testing.test(args.rest, may_build=not args.no_build, long=args.long)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    top = _Parser(
        prog="percival",
        description="Percival, an AArch64 kernel in which every CPU runs on its own page "
        "table. Each command sets the machine up and builds as far as needed.",
        epilog=f"Exit codes: boot, serial and bench: {VERDICTS_HELP}. All commands: {EXIT_CODES_HELP}",
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
        "Installs Debian packages without questions, as root or through sudo; does nothing if nothing is "
        "missing. Takes QEMU 10 from the release's backports if they are available.",
        "0 nothing is missing",
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
    _add_machine(sub, DEFAULT.cpu)
    tables = f"{_boot_arguments_help()}\n \nBoards (--machine):\n{boards.table_lines()}"
    sub.epilog = f"{tables}\n \n{sub.epilog}"
    sub.add_argument(
        "--gdb",
        action="store_true",
        help=f"wait for gdb on {boot.GDB_ADDRESS} before the first instruction (-S)",
    )

    sub = add(
        "serial",
        _serial,
        "follow a board's console",
        "Shows the console on stdout and ends with the kernel's verdict. Needs nothing built or installed. "
        "Accepts noise, and what tools put before lines, such as times. The outputs are written however the "
        "run ends.",
        VERDICTS_HELP,
    )
    sub.add_argument(
        "device",
        metavar="DEVICE",
        help=f"a terminal such as /dev/ttyUSB0, a file, a pipe, or {serial_port.STDIN} for stdin",
    )
    sub.add_argument(
        "--baud",
        type=int,
        default=serial.DEFAULT_BAUD,
        metavar="N",
        help="speed of a terminal, which has 8 bits and no parity (default: %(default)s)",
    )
    sub.add_argument(
        "--timeout",
        type=_seconds,
        default=serial.DEFAULT_TIMEOUT_S,
        metavar="S",
        help="seconds after which the run counts as hung, 0 for never (default: %(default)g)",
    )
    sub.add_argument(
        "--reset",
        metavar="CMD",
        help="shell command that resets the board; starts once the console is open, and has to succeed",
    )
    sub.add_argument("--log", type=Path, metavar="FILE", help="write the console to FILE, as it comes")
    sub.add_argument("--junit", type=Path, metavar="FILE", help="write the results to FILE as JUnit's XML")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE as JSON")

    sub = add(
        "test",
        _test,
        "run every test",
        "Builds every preset (" + ", ".join(build.presets()) + ") and runs ctest; "
        "other arguments go to ctest, such as -L boot, -R NAME or -N. Ends with what was skipped, and why.",
        "ctest's: 0 all passed, 8 a test failed",
    )
    sub.add_argument("--no-build", action="store_true", help="test the existing build, without set-up")
    kind = sub.add_mutually_exclusive_group()
    kind.add_argument(
        "--long",
        action="store_true",
        help="instead, run what takes too long for every change, hours in all: every self-test on 25 counts "
        "of CPUs up to 512, 20 boots in a row in each mode, long runs of the fuzzers, all mutants",
    )
    kind.add_argument(
        "--mutants",
        action="store_true",
        help="instead, leave one barrier, TLB invalidation, check or lock after the other out of a copy of "
        "the tree, and show that a test fails each time; other arguments are globs of mutants' names. With "
        "--count or --all the mutants are generated, and other arguments are beginnings of files' names",
    )
    sub.add_argument("--count", type=int, metavar="N", help="judge a sample of N generated mutants")
    sub.add_argument("--seed", type=int, metavar="N", help="which sample (default: 1)")
    sub.add_argument(
        "--all", action="store_true", help="judge all generated mutants that the record has no verdict on"
    )
    sub.add_argument(
        "--afresh", action="store_true", help="judge also those that the record has a verdict on"
    )
    sub.usage = (
        "percival test [-h] [--no-build] [--long] [CTEST-ARGUMENT ...]\n"
        "       percival test --mutants [--no-build] [GLOB ...]\n"
        "       percival test --mutants [--no-build] [--seed N] --count N | --all [--afresh] [PREFIX ...]"
    )

    sub = add(
        "debug",
        _debug,
        "debug the kernel in gdb",
        f"Stops at {debug.FIRST_LINE}, the first line in the kernel's own "
        "address space. Besides gdb's own commands there are: percpu CPU VARIABLE (that CPU's copy), ptwalk "
        "ADDRESS [CPU] (the descriptors on the way to a physical address), roots (each CPU's root table) and "
        "threads (what each CPU runs, and what is ready to run). Arguments after -- go to gdb: "
        "percival debug -- -batch -ex bt.",
        "gdb's",
    )
    _add_machine(sub, DEBUG_CPU)

    sub = add(
        "image",
        _image,
        "make what a board boots from",
        "Makes a directory with the files of an SD card, an image of the card, and an archive with the "
        "kernel, its symbols and a README; for tftp a directory for the server and the archive. "
        "docs/boards.md says how each board is wired, and what has been tried.",
        "0 made",
    )
    _add_image(sub)

    sub = add(
        "layout",
        _layout,
        "print the address space",
        "Shows the addresses of every region, its entries of the root table, and whether CPUs share it. "
        "Reads the kernel's own constants and boots nothing.",
        "0 printed",
    )
    sub.add_argument(
        "--preset",
        default=build.DEFAULT_PRESET,
        metavar="P",
        help=f"the build whose layout to print: {', '.join(_kernel_presets())} (default: %(default)s)",
    )

    sub = add(
        "bench",
        _bench,
        "measure operations in instructions",
        "Boots under icount and prints a table, with Linux's figures next to Percival's.",
        VERDICTS_HELP,
    )
    _add_machine(sub, BENCH_CPU, measures=True)
    sub.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    sub.add_argument(
        "globs", nargs="*", metavar="GLOB", help="which benchmarks, such as 'this_cpu_*' (default: all)"
    )
    return top


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parses the command line. `rest` receives the arguments to pass on: for `debug` those after --, and for
    `test` those that percival does not know."""
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
    """Runs one command and returns the exit code. Handles SIGINT even if a shell script started the front
    door in the background, where that signal is ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        args = _parse(arguments)
        return int(args.action(args))
    except FrontDoorError as error:
        print(f"percival: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of stdout is gone. Without this Python would report the same error again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        print("percival: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED

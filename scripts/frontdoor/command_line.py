# SPDX-License-Identifier: BSD-2-Clause
"""The command line as data: each command with its options and its help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from frontdoor import (
    boards,
    boot,
    boot_arguments,
    build,
    debug,
    image_boards,
    mca,
    report,
    serial,
    serial_port,
)
from frontdoor.argument_parser import Parser, seconds
from frontdoor.errors import EXIT_CODES_HELP, FrontDoorError
from frontdoor.linux_figures import STORED_DATE
from frontdoor.machine_options import BENCH_CPU, DEFAULT, add_machine, add_preset
from frontdoor.verdict import VERDICTS_HELP

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]

DEBUG_CPU = "max,pauth=off"  # gdb cannot read signed return addresses: its backtraces would end at the first


def _command(commands: Commands, name: str, summary: str, details: str, exit_codes: str) -> Parser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {details}",
        epilog=f"Exit codes: {exit_codes}; {EXIT_CODES_HELP}",
    )


def _boot_arguments_help() -> str:
    try:
        lines = boot_arguments.help_lines()
        return "\n".join(["Boot arguments (--append), their defaults and meanings:", *lines])
    except FrontDoorError as error:
        return f"Boot arguments: {error}"


def _add_setup(commands: Commands) -> None:
    sub = _command(
        commands,
        "setup",
        "install what the build and the tests need",
        "Installs Debian packages without questions, as root or through sudo; does nothing if nothing is "
        "missing. Takes QEMU 10 from the release's backports if they are available.",
        "0 nothing is missing",
    )
    sub.add_argument(
        "--check", action="store_true", help="only report: exit code 0 when nothing is missing, else 1"
    )


def _add_boot(commands: Commands) -> None:
    sub = _command(
        commands,
        "boot",
        "boot the kernel in QEMU",
        "The console goes to stdout, all else to stderr.",
        VERDICTS_HELP,
    )
    add_machine(sub, DEFAULT.cpu)
    tables = f"{_boot_arguments_help()}\n \nBoards (--machine):\n{boards.table_lines()}"
    sub.epilog = f"{tables}\n \n{sub.epilog}"
    sub.add_argument(
        "--gdb",
        action="store_true",
        help=f"wait for gdb on {boot.GDB_ADDRESS} before the first instruction (-S)",
    )


def _add_serial(commands: Commands) -> None:
    sub = _command(
        commands,
        "serial",
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
        type=seconds,
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


def _add_test(commands: Commands) -> None:
    sub = _command(
        commands,
        "test",
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


def _add_debug(commands: Commands) -> None:
    sub = _command(
        commands,
        "debug",
        "debug the kernel in gdb",
        f"Stops at {debug.FIRST_LINE}, the first line in the kernel's own "
        "address space. Besides gdb's own commands there are: percpu CPU VARIABLE (that CPU's copy), ptwalk "
        "ADDRESS [CPU] (the descriptors on the way to a physical address), roots (each CPU's root table) and "
        "threads (what each CPU runs, and what is ready to run). Arguments after -- go to gdb: "
        "percival debug -- -batch -ex bt.",
        "gdb's",
    )
    add_machine(sub, DEBUG_CPU)


def _add_image(commands: Commands) -> None:
    sub = _command(
        commands,
        "image",
        "make what a board boots from",
        "Makes a directory with the files of an SD card, an image of the card, and an archive with the "
        "kernel, its symbols and a README; for tftp a directory for the server and the archive; for uefi "
        "the files of a disk, its image, an ISO image and the archive. "
        "docs/boards.md says how each board is wired, and what has been tried.",
        "0 made",
    )
    sub.epilog = f"Boards (--board):\n{image_boards.table_lines()}\n \n{sub.epilog}"
    sub.add_argument("--board", required=True, metavar="B", help="the board, from the table below")
    sub.add_argument("--out", type=Path, metavar="DIR", help="where the results go (default: build/images/B)")
    sub.add_argument(
        "--append",
        action="append",
        default=[],
        metavar="ARGS",
        help="boot arguments for the kernel, which percival boot --help lists; may be given several times "
        "(default: verdict=poweroff). UEFI firmware gives none to what it starts from a disk, so GRUB is put "
        "before the kernel if there are some",
    )
    sub.add_argument(
        "--firmware",
        type=Path,
        metavar="DIR",
        help="a Raspberry Pi's firmware, device trees and overlays: the directory boot of its firmware, or a "
        "boot partition (default: what Debian's packages have)",
    )
    sub.add_argument(
        "--uart",
        metavar="U",
        help="the console of a Raspberry Pi 3 or 4: mini (default), or pl011, which takes the UART away from "
        "Bluetooth and needs an overlay from --firmware",
    )
    sub.add_argument(
        "--u-boot",
        type=Path,
        metavar="FILE",
        help="the board's U-Boot, to be put where the board looks for it on the card: flash.bin of an i.MX "
        "8M Plus, u-boot-rockchip.bin of a ROCK 5B, BOOT.BIN of a Zynq or Versal",
    )
    add_preset(sub, "the build to take")
    sub.add_argument("--no-build", action="store_true", help="take the existing build, without set-up")


def _add_layout(commands: Commands) -> None:
    sub = _command(
        commands,
        "layout",
        "print the address space",
        "Shows the addresses of every region, its entries of the root table, and whether CPUs share it. "
        "Reads the kernel's own constants and boots nothing.",
        "0 printed",
    )
    add_preset(sub, "the build whose layout to print")


def _add_bench(commands: Commands) -> None:
    sub = _command(
        commands,
        "bench",
        "measure operations in instructions",
        "Boots under icount and prints a table, with Linux's figures next to Percival's.",
        VERDICTS_HELP,
    )
    add_machine(sub, BENCH_CPU, measures=True)
    sub.add_argument(
        "--mode",
        metavar="M",
        help="let the kernel run in this mode only, such as restart or mapped, and leave out results of "
        "other modes (default: benchmarks that depend on a mode run in each)",
    )
    sub.add_argument(
        "--roots",
        choices=("private", "common", "both"),
        help="the kind of roots to measure on; both takes twice the time, and lays them side by side "
        "(default: both with --html, else private)",
    )
    sub.add_argument(
        "--linux",
        action="store_true",
        help="also measure Linux: fetches Debian's arm64 kernels (220 MB, from this machine's apt sources), "
        "builds a module for them and boots them. Otherwise, and if they cannot be had, Linux's figures are "
        f"those stored on {STORED_DATE}",
    )
    sub.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    sub.add_argument(
        "--mca",
        action="store_true",
        help="also estimate the cycles of the benchmarks' loops on "
        + ", ".join(mca.CPUS)
        + " by llvm-mca, and name what the estimates leave out",
    )
    sub.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write one page with charts, which needs nothing else, to FILE; the first page fetches the "
        "charts' library through npm",
    )
    sub.add_argument(
        "globs", nargs="*", metavar="GLOB", help="which benchmarks, such as 'this_cpu_*' (default: all)"
    )


def _add_report(commands: Commands) -> None:
    sub = _command(
        commands,
        "report",
        "make a page from saved consoles",
        "Takes the consoles of machines that ran the benchmarks (boot argument bench), such as percival "
        "serial --log saves them, and lays the machines side by side on one page, which needs nothing else. "
        "Accepts noise. Needs nothing built; the first page fetches the charts' library through npm.",
        "0 made, 1 made, but a log is damaged or cut, or the kernel did not pass: the page says so",
    )
    sub.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="a saved console")
    sub.add_argument(
        "--html",
        type=Path,
        default=report.DEFAULT_PAGE,
        metavar="FILE",
        help="where the page goes (default: build/report.html)",
    )


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    top = Parser(
        prog="percival",
        description="Percival, an AArch64 kernel in which every CPU runs on its own page "
        "table. Each command sets the machine up and builds as far as needed.",
        epilog=f"Exit codes: boot, serial and bench: {VERDICTS_HELP}. All commands: {EXIT_CODES_HELP}",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for add in (
        _add_setup,
        _add_boot,
        _add_serial,
        _add_test,
        _add_debug,
        _add_image,
        _add_layout,
        _add_bench,
        _add_report,
    ):
        add(commands)
    return top

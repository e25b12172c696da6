# SPDX-License-Identifier: BSD-2-Clause
"""Runs the command that the command line gives."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Callable, Dict, Sequence

from frontdoor import bench, boot, debug, image, layout, report, serial, setup, testing
from frontdoor.command_line import parser
from frontdoor.errors import EXIT_INTERRUPTED, FrontDoorError, UsageError
from frontdoor.machine_options import run_of


def _setup(args: argparse.Namespace) -> int:
    return setup.check() if args.check else setup.setup()


def _boot(args: argparse.Namespace) -> int:
    return boot.boot(run_of(args, debugger=args.gdb), may_build=not args.no_build, wait_for_gdb=args.gdb)


def _serial(args: argparse.Namespace) -> int:
    return serial.serial(
        serial.Options(args.device, args.baud, args.timeout, args.reset, args.log, args.junit, args.json)
    )


def _debug(args: argparse.Namespace) -> int:
    return debug.debug(run_of(args, debugger=True), args.rest, may_build=not args.no_build)


def _layout(args: argparse.Namespace) -> int:
    return layout.layout(args.preset)


def _bench(args: argparse.Namespace) -> int:
    if any(" " in glob for glob in args.globs):
        raise UsageError("a benchmark's name has no blank in it")
    order = bench.Order(
        tuple(args.globs),
        args.mode,
        args.cpu_counts or (),
        args.json,
        args.html,
        args.mca,
        bench.ROOTS[args.roots],
        args.linux,
    )
    return bench.bench(run_of(args, icount=True), order, may_build=not args.no_build)


def _report(args: argparse.Namespace) -> int:
    return report.report(args.logs, args.html)


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


ACTIONS: Dict[str, Callable[[argparse.Namespace], int]] = {
    "setup": _setup,
    "boot": _boot,
    "serial": _serial,
    "test": _test,
    "debug": _debug,
    "image": _image,
    "layout": _layout,
    "bench": _bench,
    "report": _report,
}


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
        return ACTIONS[args.command](args)
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

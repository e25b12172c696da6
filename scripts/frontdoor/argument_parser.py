# SPDX-License-Identifier: BSD-2-Clause
"""The parser that the whole command line shares."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn, Tuple

from frontdoor.errors import EXIT_USAGE


class _Formatter(argparse.HelpFormatter):
    """Does not refill the lines of a table, which begin with blanks."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        lines = text.split("\n")
        return "\n".join(line if line.startswith("  ") else fill(line, width, indent) for line in lines)


class Parser(argparse.ArgumentParser):
    """Exits with EXIT_USAGE on wrong arguments. (argparse would exit with 2, which is the verdict of a kernel
    panic.) Does not accept abbreviated options, because an unknown option may be one of ctest's."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **settings)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def seconds(text: str) -> float:
    """Returns the seconds that an option gives. Raises ValueError if they are none."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return value


def cpu_counts(text: str) -> Tuple[int, ...]:
    """Returns the numbers of CPUs in a list such as 1,4,8, each once. Raises ArgumentTypeError if it is no
    such list. Machine knows how many there may be."""
    if re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text) is None:
        raise argparse.ArgumentTypeError(f"takes numbers of CPUs, such as 4 or 1,4,8, not '{text}'")
    return tuple(dict.fromkeys(map(int, text.split(","))))

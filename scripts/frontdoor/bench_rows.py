# SPDX-License-Identifier: BSD-2-Clause
"""The results of benchmarks, as the kernel prints them: one `bench: {json}` line for each.

The reader is strict, so that a damaged line is found and does not become another result. Only a digit that
became another digit cannot be found.
"""

from __future__ import annotations

import json
import re
from typing import Callable, Dict, Optional, Union

from frontdoor.console_line import kernel_text
from frontdoor.errors import FrontDoorError
from frontdoor.verdict import Verdict

Value = Union[str, int, float]
Row = Dict[str, Value]

PREFIX = "bench: {"
DAMAGED = re.compile(r'\{"name|"mode"\s*:|"instructions"\s*:')  # what no other line of the kernel has
MAX_LINE = 4096  # characters; the kernel's lines are far shorter

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}|-")


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**64


def is_count(value: object) -> bool:
    """Returns whether a field is a whole number of 64 bits."""
    return _is_number(value) and isinstance(value, int)


FIELDS: Dict[str, Callable[[object], bool]] = {
    "name": _is_word,
    "mode": _is_word,
    "cpus": lambda value: is_count(value) and value != 0,
    "instructions": _is_number,
}
# What only some rows have: cycles where the CPU counts them, the kind of roots where the kernel says it, and
# the kind of core where the machine has several.
OPTIONAL: Dict[str, Callable[[object], bool]] = {
    # Of what is not Percival.
    "system": lambda value: isinstance(value, str)
    and re.fullmatch(r"linux-[\w.+~-]{1,60}", value) is not None,
    "cycles": _is_number,
    "cycles_minimum": _is_number,
    "cycles_p99": _is_number,
    "tlb_refills": _is_number,
    "tlb_walks": _is_number,
    "thrown_away": is_count,
    "total": is_count,
    "slow_paths": is_count,
    "tables": is_count,
    "tlbis": is_count,
    "bytes": is_count,
    "address_space": is_count,
    "preset": lambda value: isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9-]*", value) is not None,
    "roots": _is_word,
    "cnp": is_count,
    "el": is_count,
    "core": lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9 -]{1,80}", value) is not None,
}
# Under what a benchmark was measured: results that differ in one of these are not results of one thing.
CONDITIONS = ("cpus", "preset", "roots", "cnp", "el", "core", "system")
COUNTS = ("instructions", "cycles", "total", "slow_paths", "tables", "tlbis", "bytes", "address_space")


class DamagedRow(FrontDoorError):
    """A line that was a result once."""

    def __init__(self, message: str) -> None:
        super().__init__(message, int(Verdict.HANG))


def once(pairs: "list[tuple[str, object]]") -> Dict[str, object]:
    """Returns the fields of a JSON object. Raises ValueError if one is there twice."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a field is there twice")
    return dict(pairs)


def condition(row: Row, name: str) -> Optional[Value]:
    """Returns one of CONDITIONS; None if the row says nothing of it. A kernel names its level only at EL2."""
    return row.get(name, 1 if name == "el" else None)


def parse_line(line: str) -> Optional[Row]:
    """Returns the result in a console line, or None for any other line. Raises DamagedRow if the line is a
    result that is malformed. Fields that are not known are left out."""
    text = kernel_text(line)
    if not text.startswith(PREFIX):
        if DAMAGED.search(text):
            raise DamagedRow(f"not a benchmark result: {text[:MAX_LINE]}")
        return None
    try:
        if len(text) > MAX_LINE:
            raise ValueError("too long")
        content = json.loads(text[len(PREFIX) - 1 :], object_pairs_hook=once)
        known = {**FIELDS, **{name: check for name, check in OPTIONAL.items() if name in content}}
        wrong = [name for name, check in known.items() if not check(content[name])]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedRow(f"not a benchmark result: {text[:MAX_LINE]}") from error
    if wrong:
        raise DamagedRow(f"wrong {', '.join(wrong)} in: {text}")
    return {name: content[name] for name in known}

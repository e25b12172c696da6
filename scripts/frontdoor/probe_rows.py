# SPDX-License-Identifier: BSD-2-Clause
"""The results of the kernel's probes, as it prints them: one `probe: {json}` line for each.

The reader is as strict as that of benchmarks: a damaged line is found and does not become another result.
"""

from __future__ import annotations

import json
import re
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from frontdoor.bench_rows import MAX_LINE, DamagedRow, is_count, once
from frontdoor.console_line import kernel_text

ProbeRow = Dict[str, object]

PREFIX = "probe: "
OUTCOMES = ("fault", "old", "new", "reused")
_SHAPE = re.compile(r"[A-Z][A-Za-z0-9_.+-]{0,79}")


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(is_count(each) for each in value)


Check = Callable[[object], bool]
FIELDS: Dict[str, Dict[str, Check]] = {
    "tlbs": {"cpu": is_count, "reads": is_count, "beside": _are_counts, "wrong": _are_counts},
    "completion": {
        "form": lambda value: value in ("once", "repeated"),
        "pairs": is_count,
        "tries": is_count,
        "stale": is_count,
    },
    "litmus": {
        "shape": lambda value: isinstance(value, str) and _SHAPE.fullmatch(value) is not None,
        "verdict": lambda value: value in ("allowed", "forbidden"),
        "asks": lambda value: value in OUTCOMES,
        "tries": is_count,
    },
}
OPTIONAL: Dict[str, Check] = {name: is_count for name in OUTCOMES}


def count(row: ProbeRow, name: str) -> int:
    """Returns a number of a row; 0 if it is not there."""
    value = row.get(name, 0)
    return value if isinstance(value, int) else 0


def counts(row: ProbeRow, name: str) -> List[int]:
    """Returns the numbers of a list in a row."""
    values = row[name]
    return list(values) if isinstance(values, list) else []


def _agrees(row: ProbeRow) -> bool:
    """Whether the numbers of a row go together: a lost or changed one is damage."""
    if row["probe"] == "tlbs":
        return len(counts(row, "beside")) == len(counts(row, "wrong"))
    if row["probe"] == "completion":
        return count(row, "stale") <= count(row, "tries")
    return sum(count(row, name) for name in OUTCOMES) == count(row, "tries")


def parse_line(line: str) -> Optional[ProbeRow]:
    """Returns the result in a console line, or None for any other line, as those in which a probe says in
    words what it found. Raises DamagedRow if the line is a result that is malformed."""
    text = kernel_text(line)
    if not text.startswith(PREFIX + "{"):
        if '"probe":' in text:
            raise DamagedRow(f"not a probe's result: {text[:MAX_LINE]}")
        return None
    try:
        if len(text) > MAX_LINE:
            raise ValueError("too long")
        content = json.loads(text[len(PREFIX) :], object_pairs_hook=once)
        required: Mapping[str, Check] = FIELDS[content["probe"]]
        optional = {name: check for name, check in OPTIONAL.items() if name in content}
        known = {**required, **(optional if content["probe"] == "litmus" else {})}
        wrong = [name for name, check in known.items() if not check(content[name])]
        row = {"probe": content["probe"], **{name: content[name] for name in known}}
        if wrong or not _agrees(row):
            raise ValueError("wrong values")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedRow(f"not a probe's result: {text[:MAX_LINE]}") from error
    return row


def said_lines(lines: Sequence[str]) -> List[str]:
    """Returns what the probes said in words: what they found, and what this machine cannot show. Each line
    once."""
    texts = (kernel_text(line) for line in lines)
    said = (text for text in texts if text.startswith(PREFIX) and not text.startswith(PREFIX + "{"))
    return list(dict.fromkeys(said))

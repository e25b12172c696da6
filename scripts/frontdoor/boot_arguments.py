# SPDX-License-Identifier: BSD-2-Clause
"""Reads the kernel's boot arguments from the source text of its table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List

from frontdoor.errors import BuildFailed
from frontdoor.paths import ROOT

TABLE = ROOT / "kernel" / "boot_arguments" / "boot_argument_table.hpp"
_STRING = r'"([^"\\]*)"'
_ENTRY = re.compile(r"constexpr [\w<>]+ k\w+\{\s*\{\s*" + r"\s*,\s*".join([_STRING] * 4))
_NO_DEFAULT = "-"
_USAGE_WIDTH = 32  # of the table for a terminal


@dataclass(frozen=True)
class BootArgument:
    """An argument as listings show it, for example `selftest.timeout=S`, `30`, and its meaning."""

    usage: str
    default: str
    meaning: str


def _usage(name: str, values: str) -> str:
    return f"{name}={values}" if values and not values.startswith("[") else name + values


def _table() -> str:
    try:
        return TABLE.read_text()
    except OSError as error:
        raise BuildFailed(f"{TABLE} cannot be read: {error}") from error


def choices(name: str) -> List[str]:
    """Returns what may be chosen for an argument, in the order of the table. Raises BuildFailed if the table
    has no such argument."""
    found: List[List[str]] = [
        values.split("|") for entry, values, _, _ in _ENTRY.findall(_table()) if entry == name
    ]
    if not found:
        raise BuildFailed(f"{TABLE} has no argument {name}")
    return found[0]


def boot_arguments() -> List[BootArgument]:
    """Returns the table in its own order, with the values and defaults of the default build."""
    return [
        BootArgument(_usage(name, values), default or _NO_DEFAULT, meaning)
        for name, values, default, meaning in _ENTRY.findall(_table())
    ]


def help_lines() -> List[str]:
    """Returns the table for a terminal. An argument that is longer than its column has a line of its own."""
    lines = []
    rows = boot_arguments()
    default = max(len(row.default) for row in rows)
    for row in rows:
        usage = row.usage
        if len(usage) > _USAGE_WIDTH:
            lines.append(f"  {usage}")
            usage = ""
        lines.append(f"  {usage:{_USAGE_WIDTH}}  {row.default:{default}}  {row.meaning}")
    return lines


def _code(text: str) -> str:
    return "" if text == _NO_DEFAULT else "`" + text.replace("|", r"\|") + "`"


def markdown_lines() -> List[str]:
    """Returns the table as README.md shows it."""
    rows = [f"| {_code(row.usage)} | {_code(row.default)} | {row.meaning} |" for row in boot_arguments()]
    return ["| argument | default | meaning |", "|---|---|---|", *rows]

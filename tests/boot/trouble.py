# SPDX-License-Identifier: BSD-2-Clause
"""Finds the part of a console that tells what went wrong, so that a report which is cut still has it."""

from __future__ import annotations

import re
from typing import List, Sequence

TROUBLE = re.compile(r"\s*not ok\b|# hang:|panic:|.*\bverdict: (failed|hang|panic)\b|percival: no end after")
BEFORE = 12
AFTER = 80


def excerpt(lines: Sequence[str]) -> List[str]:
    """Returns the first line of trouble with the lines around it; the end of the console if there is none."""
    for at, line in enumerate(lines):
        if TROUBLE.match(line):
            return list(lines[max(0, at - BEFORE) : at + AFTER])
    return list(lines[-BEFORE:])

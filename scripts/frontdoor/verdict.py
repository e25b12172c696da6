# SPDX-License-Identifier: BSD-2-Clause
"""Determines the kernel's verdict from its last console line, and from what else tells of the run: QEMU's
exit code, or on a board the results that the console shows.

A verdict counts only if all its sources agree. QEMU itself exits with 1 when it cannot start, so an exit code
alone proves nothing.
"""

from __future__ import annotations

import enum
import re
import signal
from dataclasses import dataclass
from typing import Optional, Sequence

from frontdoor.console_line import kernel_text

LINE = re.compile(r"percival: verdict: (\w+)")
VERDICTS_HELP = "0 passed, 1 a self-test failed, 2 panic, 3 hang, timeout or no verdict"


class Verdict(enum.IntEnum):
    """The kernel's verdict on its run; the value is the exit code."""

    PASSED = 0
    FAILED = 1
    PANIC = 2
    HANG = 3


def parse_line(line: str) -> Optional[Verdict]:
    """Returns the verdict that a console line states, or None if it is another line."""
    match = LINE.fullmatch(kernel_text(line).strip())
    return Verdict.__members__.get(match[1].upper()) if match else None


@dataclass(frozen=True)
class Decision:
    """The exit code of the front door. If there is no verdict, `reason` says why."""

    exit_code: int
    reason: str = ""


def _no_verdict(reason: str) -> Decision:
    return Decision(int(Verdict.HANG), reason)


def decide(exit_code: int, stated: Optional[Verdict], semihosting: bool) -> Decision:
    """Decides from QEMU's exit code (negative: the signal that killed it), the last verdict line, and
    whether the kernel was told to give its verdict by semihosting. QEMU reports a machine that was turned off
    or reset as 0. The kernel may panic before it has read its boot arguments; then it turns the machine
    off."""
    if exit_code < 0:
        return _no_verdict(f"QEMU was killed by {signal.Signals(-exit_code).name}")
    if stated is None:
        return _no_verdict(f"the kernel stated no verdict; QEMU exited with {exit_code}")
    without_status = exit_code == 0 and (not semihosting or stated is Verdict.PANIC)
    if not without_status and not (semihosting and exit_code == stated):
        return _no_verdict(f"the console says '{stated.name.lower()}', but QEMU exited with {exit_code}")
    return Decision(int(stated))


def decide_by_console(stated: Optional[Verdict], failed: Sequence[str], end: str) -> Decision:
    """Decides where only the console tells, as on a board: from the verdict that it states, the names of the
    tests that failed by its report, and, if it states none, how it ended."""
    if stated is None:
        return _no_verdict(f"the kernel stated no verdict: {end}")
    if stated is Verdict.PASSED and failed:
        return _no_verdict(f"the console says 'passed', but {failed[0]} failed")
    return Decision(int(stated))

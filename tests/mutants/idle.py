# SPDX-License-Identifier: BSD-2-Clause
"""Recognises a process that waits for ever: all its threads sleep and take no CPU time. A thread that a busy
machine lets wait is ready to run, so it does not sleep.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, Iterator, Optional, Tuple

PATIENCE_S = 20.0
ASLEEP = "SZX"

# The CPU time so far, in ticks, and whether all threads sleep.
Sample = Tuple[int, bool]


def threads(pid: int) -> Iterator[Tuple[int, str]]:
    """Yields CPU time and state of each thread of a process and its children."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                yield int(fields[11]) + int(fields[12]), fields[0]
                for child in (task / "children").read_text(encoding="utf-8").split():
                    yield from threads(int(child))


def sample(pid: int) -> Sample:
    """Looks at a process and its children."""
    found = list(threads(pid))
    return sum(ticks for ticks, _ in found), all(state in ASLEEP for _, state in found)


class Idleness:
    """Watches a process that never sleeps for PATIENCE_S unless it waits for ever."""

    def __init__(self, look: Callable[[], Sample], now: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._now = now
        self._ticks: Optional[int] = None
        self._since = 0.0

    def lasts(self) -> bool:
        """Whether the process has slept for PATIENCE_S, as far as the calls of this function saw it."""
        ticks, asleep = self._look()
        if not asleep or ticks != self._ticks:
            self._ticks, self._since = ticks, self._now()
        return self._now() - self._since >= PATIENCE_S

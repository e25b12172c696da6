# SPDX-License-Identifier: BSD-2-Clause
"""Runs QEMU: copies its console to stdout, passes every line to an observer, and never leaves QEMU behind.

QEMU runs in a session of its own, so Ctrl-C reaches only the front door, which then ends QEMU. QEMU reads no
terminal, so there is no terminal state to restore. It dies with the front door, however that dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Callable, Iterator, Optional, Sequence

PR_SET_PDEATHSIG = 1
GRACE_S = 3.0
CHUNK = 65536

Observer = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: QEMU's exit code, or None if QEMU was killed because its time was up."""

    exit_code: Optional[int]


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Returns a function for the child to call before it becomes QEMU, so that it cannot outlive this
    process."""
    libc = ctypes.CDLL(None)

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends QEMU: terminates it, and kills it after a short wait. A second Ctrl-C does not interrupt this."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE_S)
        if process.poll() is None:
            process.kill()
            process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def started(command: Sequence[str], stdout: Optional[int] = None) -> "Iterator[subprocess.Popen[bytes]]":
    """Runs QEMU for the length of a `with` block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        preexec_fn=_die_with_parent(os.getpid()) if sys.platform == "linux" else None,
    )
    try:
        yield process
    finally:
        stop(process)


class Lines:
    """Splits the console's bytes into lines and shows them as they arrive, without carriage returns. A line
    longer than CHUNK bytes becomes several."""

    def __init__(self, observe: Observer, echo: bool) -> None:
        self._observe = observe
        self._echo = echo
        self._partial = b""

    def feed(self, chunk: bytes) -> None:
        """Takes bytes that have arrived."""
        chunk = chunk.replace(b"\r", b"")
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self._observe(line.decode(errors="replace"))
        if len(self._partial) > CHUNK:
            self._observe(self._partial.decode(errors="replace"))
            self._partial = b""
        # Last, so that Ctrl-C loses nothing that has been shown.
        if self._echo:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

    def end(self) -> None:
        """Ends the last line, if the console has not."""
        if self._partial:
            self._observe(self._partial.decode(errors="replace"))
            self._partial = b""
            if self._echo:
                print(flush=True)


def run(
    command: Sequence[str], timeout_s: Optional[float], observe: Observer, *, echo: bool = True
) -> Outcome:
    """Runs QEMU until it ends or its time is up. `timeout_s` None means that there is no limit."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s

    def left() -> Optional[float]:
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    lines = Lines(observe, echo)
    with started(command, subprocess.PIPE) as process:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        while select.select([pipe], [], [], left())[0]:
            chunk = os.read(pipe, CHUNK)
            if not chunk:
                lines.end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return Outcome(process.wait(timeout=left()))
                break
            lines.feed(chunk)
        lines.end()
        return Outcome(None)

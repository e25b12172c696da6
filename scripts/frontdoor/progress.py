# SPDX-License-Identifier: BSD-2-Clause
"""Running a tool quietly: nothing is shown for the first two seconds, then what is being done, for how
long, and the tool's own last line; all of its output when it fails.

All of it goes to stderr; stdout belongs to the kernel's console and to results.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, Optional, Sequence

SHOW_AFTER_S = 2.0
PLAIN_INTERVAL_S = 10.0
POLL_S = 0.1
TERMINAL_POLL_S = 0.5
TAIL_BYTES = 4096


def say(message: str) -> None:
    """One line to the user, on stderr."""
    print(f"percival: {message}", file=sys.stderr, flush=True)


def last_line(log: Path) -> str:
    """The last line with anything on it that a running tool has written."""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        lines = file.read().decode(errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class _Display:
    """One line redrawn in place on a terminal; elsewhere a plain line now and then."""

    def __init__(self, what: str, log: Path) -> None:
        self._what = what
        self._log = log
        self._start = time.monotonic()
        self._next = self._start + SHOW_AFTER_S
        self._shown = False
        self._terminal = sys.stderr.isatty()

    def tick(self) -> None:
        """Shows the state if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._shown = True
        self._next = now + (TERMINAL_POLL_S if self._terminal else PLAIN_INTERVAL_S)
        tail = last_line(self._log)
        line = f"percival: {self._what}, {now - self._start:.0f} s" + (f": {tail}" if tail else "")
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def end(self, outcome: str) -> None:
        """Replaces the running line by the outcome, if there was one."""
        if self._shown:
            start = "\r\033[K" if self._terminal else ""
            elapsed = time.monotonic() - self._start
            print(f"{start}percival: {self._what}: {outcome}, {elapsed:.0f} s", file=sys.stderr, flush=True)


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the tool has ended; waits for it a moment."""
    try:
        process.wait(timeout=POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends a tool that was interrupted; what it leaves half done is its own business to clean up."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            try:
                process.send_signal(sign)
                process.wait(timeout=10)
            except (subprocess.TimeoutExpired, PermissionError):
                continue


def run_tool(
    what: str,
    command: Sequence[str],
    log: Path,
    *,
    cwd: Optional[Path] = None,
    env: Optional[Mapping[str, str]] = None,
    show_failure: bool = True,
) -> int:
    """Runs `command` with its output in `log`, shows progress as `what`, and returns its exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    display = _Display(what, log)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=env
            )
        except OSError as error:
            say(f"{what}: {command[0]} cannot be run: {error.strerror}")
            return 127
        try:
            while not _ended(process):
                display.tick()
        except BaseException:
            display.end("interrupted")
            _stop(process)
            raise
    code = process.returncode
    display.end("done" if code == 0 else f"failed ({code})")
    if code != 0 and show_failure:
        sys.stderr.write(log.read_text(errors="replace"))
        sys.stderr.flush()
        say(f"{what} failed with exit code {code}: {' '.join(command)}")
    return code

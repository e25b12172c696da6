# SPDX-License-Identifier: BSD-2-Clause
"""Runs tools quietly. A tool shows nothing for its first two seconds. After that, one line shows the task,
the elapsed time and the tool's last line of output. If the tool fails, all its output is shown.

Everything goes to stderr, because stdout is for the kernel's console and for results.
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
    """Prints one line for the user, on stderr."""
    print(f"percival: {message}", file=sys.stderr, flush=True)


def last_line(log: Path) -> str:
    """Returns the last line that a running tool has written and that is not blank."""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        lines = file.read().decode(errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class _Display:
    """Redraws one line in place on a terminal; elsewhere prints a line from time to time."""

    def __init__(self, what: str, log: Path) -> None:
        self._what = what
        self._log = log
        self._start = time.monotonic()
        self._next = self._start + SHOW_AFTER_S
        self._shown = False
        self._terminal = sys.stderr.isatty()

    def tick(self) -> None:
        """Shows the state if it is due."""
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
        """Replaces the line by the outcome, if a line was shown."""
        if self._shown:
            start = "\r\033[K" if self._terminal else ""
            elapsed = time.monotonic() - self._start
            print(f"{start}percival: {self._what}: {outcome}, {elapsed:.0f} s", file=sys.stderr, flush=True)


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    """Waits a moment for the tool; returns whether it has ended."""
    try:
        process.wait(timeout=POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends a tool that was interrupted. The tool itself has to clean up its unfinished work."""
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

# SPDX-License-Identifier: BSD-2-Clause
"""`percival serial`: follows the console of a board, keeps it and its results, and exits with the kernel's
own verdict.

The run ends with the verdict, which is the console's last line. It also ends at the end of a file, when the
device is gone, when the time is up, and with Ctrl-C. The reports are written in each case.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Iterator, List, Optional, Set, Union

from frontdoor import ktap, run_report, serial_port
from frontdoor.console import GRACE_S, Lines
from frontdoor.errors import EXIT_INTERRUPTED, FrontDoorError, IoFailed, UsageError
from frontdoor.progress import say
from frontdoor.serial_port import Port
from frontdoor.verdict import Decision, Verdict, decide_by_console, parse_line

DEFAULT_BAUD = 115200
DEFAULT_TIMEOUT_S = 600.0
POLL_S = 0.1
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Options:
    """What to follow, and what to write. `timeout_s` 0 is no limit. `reset` is a shell command."""

    device: str
    baud: int = DEFAULT_BAUD
    timeout_s: float = DEFAULT_TIMEOUT_S
    reset: Optional[str] = None
    log: Optional[Path] = None
    junit: Optional[Path] = None
    json: Optional[Path] = None


class _Deadline:
    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s if timeout_s else None

    def left(self) -> Optional[float]:
        """Returns the seconds that are left, at least 0, or None if there is no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


class _Reset:
    """The user's command that resets the board. The console is read meanwhile, because the board may speak
    before the command ends."""

    def __init__(self, command: str, signals: Set[Union[int, signal.Signals]]) -> None:
        """Starts the command. It blocks only `signals`."""
        self._command = command
        # A session of its own: Ctrl-C reaches only the front door, and the command can be ended as a whole.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, signals),
        )

    def runs(self) -> bool:
        """Returns whether the command has not ended. Raises IoFailed if it has failed."""
        code = self._process.poll()
        if code:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
            raise IoFailed(f"--reset: '{self._command}' {how}")
        return code is None

    def finish(self, deadline: _Deadline) -> None:
        """Waits for the end of the command. Raises IoFailed if it fails or takes too long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(deadline.left())
        if self.runs():
            raise IoFailed(f"--reset: '{self._command}' has not ended in time")

    def stop(self) -> None:
        """Ends the command if it still runs, with the processes that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(GRACE_S)


@contextlib.contextmanager
def _resetting(command: Optional[str]) -> Iterator[Optional[_Reset]]:
    """Starts the user's command, if there is one, for a `with` block. Ctrl-C cannot come between the start
    and the block, nor while the command is stopped."""
    reset: Optional[_Reset] = None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        if command is not None:
            reset = _Reset(command, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield reset
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        if reset is not None:
            reset.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Console:
    """The console as far as it has come."""

    def __init__(self, log: Optional[BinaryIO]) -> None:
        self.lines: List[str] = []
        self.verdict: Optional[Verdict] = None
        self._log = log
        self._splitter = Lines(self._observe, echo=True)

    def _observe(self, line: str) -> None:
        if self.verdict is None:
            self.lines.append(line)
            self.verdict = parse_line(line)

    def feed(self, chunk: bytes) -> None:
        """Takes bytes that have come."""
        if self._log is not None:
            self._log.write(chunk)
        self._splitter.feed(chunk)

    def end(self) -> None:
        """Ends the last line."""
        self._splitter.end()

    def decide(self, end: str) -> Decision:
        """Decides from the verdict and the results. `end` says how the console ended."""
        failed = [name for name, test in ktap.read(self.lines).by_full_name if not test.ok]
        return decide_by_console(self.verdict, failed, end)

    def report(self, decision: Decision) -> run_report.RunReport:
        """Returns what is known of the run."""
        found = run_report.found_lines(self.lines)
        return run_report.RunReport(decision, self.verdict, ktap.read(self.lines), found)


def _read_to_the_end(port: Port, console: _Console, reset: Optional[_Reset], deadline: _Deadline) -> str:
    """Reads until the verdict has come, or returns why there is none."""
    while console.verdict is None:
        left = deadline.left()
        if left == 0.0:
            return f"no end after {deadline.timeout_s:g} s"
        waits = [seconds for seconds in (left, POLL_S if reset and reset.runs() else None) if seconds]
        if select.select([port.descriptor], [], [], min(waits, default=None))[0]:
            chunk = port.read()
            if chunk == b"":
                return f"{port.name} ended"
            console.feed(chunk or b"")
    return ""


def _follow(port: Port, console: _Console, options: Options) -> str:
    """Resets the board and reads its console. Returns how the console ended."""
    speed = f" at {options.baud} baud" if port.is_terminal else ""
    say(f"following {port.name}{speed}; Ctrl-C ends")
    deadline = _Deadline(options.timeout_s)
    with _resetting(options.reset) as reset:
        try:
            end = _read_to_the_end(port, console, reset, deadline)
        finally:
            console.end()
        if reset is not None:
            reset.finish(deadline)
    return end


def _write(report: run_report.RunReport, options: Options) -> None:
    for path, form in ((options.junit, run_report.as_junit), (options.json, run_report.as_json)):
        if path is not None:
            path.write_text(form(report))


@contextlib.contextmanager
def _outputs(options: Options) -> Iterator[Optional[BinaryIO]]:
    """Opens the log for a `with` block. Raises IoFailed if it or a report cannot be written, now or later."""
    with contextlib.ExitStack() as stack:
        try:
            for path in (options.junit, options.json):
                if path is not None:
                    path.open("ab").close()
            log = (
                stack.enter_context(options.log.open("wb", buffering=0)) if options.log is not None else None
            )
            yield log
        except BrokenPipeError:
            raise  # nobody reads stdout
        except OSError as error:
            what = error.filename or "the log or stdout"
            raise IoFailed(f"{what} cannot be written: {error.strerror}") from error


def _check_outputs(options: Options) -> None:
    """Raises UsageError if an output is the console itself, which would be lost, or two are one file."""
    files = [path.resolve() for path in (options.log, options.junit, options.json) if path is not None]
    if options.device != serial_port.STDIN and Path(options.device).resolve() in files:
        raise UsageError(f"an output would overwrite {options.device}")
    if len(set(files)) != len(files):
        raise UsageError("--log, --junit and --json need files of their own")


def serial(options: Options) -> int:
    """Runs the command and returns its exit code."""
    _check_outputs(options)
    with serial_port.opened(options.device, options.baud) as port, _outputs(options) as log:
        console = _Console(log)
        failure: Optional[BaseException] = None
        try:
            decision = console.decide(_follow(port, console, options))
        except FrontDoorError as error:
            failure, decision = error, Decision(error.exit_code, str(error))
        except KeyboardInterrupt as error:
            failure, decision = error, Decision(EXIT_INTERRUPTED, "interrupted")
        report = console.report(decision)
        _write(report, options)
        if failure is not None:
            raise failure
    for problem in report.ktap.errors:
        say(f"the report: {problem}")
    if decision.reason:
        say(decision.reason)
    return decision.exit_code

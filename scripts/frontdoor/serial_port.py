# SPDX-License-Identifier: BSD-2-Clause
"""Opens the console of a board for reading: a terminal device, which is set to a speed and passes every byte,
or a file, a pipe or stdin, which stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import termios
from dataclasses import dataclass
from typing import Dict, Iterator, Optional

from frontdoor.errors import IoFailed, UsageError

STDIN = "-"
CHUNK = 65536
SPEEDS: Dict[int, int] = {
    int(name[1:]): getattr(termios, name) for name in dir(termios) if re.fullmatch(r"B[1-9]\d*", name)
}


@dataclass(frozen=True)
class Port:
    """A console that is open for reading. `name` is for messages. A terminal has no end
    of its own."""

    name: str
    descriptor: int
    is_terminal: bool

    def read(self) -> Optional[bytes]:
        """Returns bytes that have come, none at the end of a file, or None if there are none yet. Raises
        IoFailed if the device is gone."""
        try:
            chunk = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise IoFailed(f"{self.name} can no longer be read: {error.strerror}") from error
        if not chunk and self.is_terminal:
            raise IoFailed(f"{self.name} is gone: it was unplugged or hung up")
        return chunk


def check_speed(baud: int) -> None:
    """Raises UsageError if no terminal has that speed."""
    if baud not in SPEEDS:
        raise UsageError(f"--baud takes one of {', '.join(map(str, sorted(SPEEDS)))}, not {baud}")


@contextlib.contextmanager
def _raw(name: str, descriptor: int, baud: int) -> Iterator[None]:
    """Sets a terminal to 8 bits without parity and handshake, and to pass every byte. Drops what came before.
    Leaves it as it was."""
    try:
        before = termios.tcgetattr(descriptor)
        characters = list(before[6])
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        modes = termios.CS8 | termios.CREAD | termios.CLOCAL
        speed = SPEEDS[baud]
        termios.tcsetattr(
            descriptor, termios.TCSANOW, [termios.IGNBRK, 0, modes, 0, speed, speed, characters]
        )
        termios.tcflush(descriptor, termios.TCIFLUSH)
    except termios.error as error:
        raise IoFailed(f"{name} cannot be set to {baud} baud: {error.args[-1]}") from error
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # it may be gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


@contextlib.contextmanager
def opened(device: str, baud: int) -> Iterator[Port]:
    """Opens a device or file by its path, or stdin, for a `with` block. Raises IoFailed if that fails, and
    UsageError for a speed that does not exist."""
    check_speed(baud)
    if device == STDIN:
        yield Port("stdin", sys.stdin.fileno(), is_terminal=False)
        return
    try:
        # Without O_NONBLOCK, a terminal waits here until a modem answers.
        descriptor = os.open(device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise IoFailed(f"{device} cannot be opened: {error.strerror}") from error
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise IoFailed(f"{device} is a directory")
        is_terminal = os.isatty(descriptor)
        with _raw(device, descriptor, baud) if is_terminal else contextlib.nullcontext():
            yield Port(device, descriptor, is_terminal)
    finally:
        os.close(descriptor)

# SPDX-License-Identifier: BSD-2-Clause
"""Failures of the front door: one exception type, and the exit codes other than the kernel's verdict.

Exit codes 0 to 3 belong to the kernel (see verdict.py), so the front door's own failures use others.
"""

from __future__ import annotations

EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
EXIT_BUILD = 70
EXIT_IO = 74
EXIT_INTERRUPTED = 130

EXIT_CODES_HELP = (
    f"{EXIT_USAGE} wrong arguments, {EXIT_UNAVAILABLE} a tool or package is missing and cannot be installed, "
    f"{EXIT_BUILD} the build failed, {EXIT_IO} a device or file failed, {EXIT_INTERRUPTED} interrupted."
)


class FrontDoorError(Exception):
    """A failure, with a message for the user and the exit code of the front door."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(FrontDoorError):
    """The arguments are wrong; nothing has been started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_USAGE)


class Unavailable(FrontDoorError):
    """A required tool or package is missing and cannot be installed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_UNAVAILABLE)


class BuildFailed(FrontDoorError):
    """CMake or Ninja failed; its output has been shown."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_BUILD)


class IoFailed(FrontDoorError):
    """A device or a file that was to be read or written is not there, is gone, or fails."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_IO)

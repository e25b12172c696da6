# SPDX-License-Identifier: BSD-2-Clause
"""How the front door fails: one exception type, and the exit codes that are not the kernel's verdict.

0 to 3 belong to the kernel (see verdict.py), so the front door's own failures stay clear of them.
"""

from __future__ import annotations

EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
EXIT_BUILD = 70
EXIT_INTERRUPTED = 130

EXIT_CODES_HELP = (
    f"{EXIT_USAGE} wrong arguments, {EXIT_UNAVAILABLE} a tool or package is missing and cannot be installed, "
    f"{EXIT_BUILD} the build failed, {EXIT_INTERRUPTED} interrupted."
)


class FrontDoorError(Exception):
    """A failure with a message for the user and the exit code to leave with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(FrontDoorError):
    """The arguments make no sense; nothing has been started."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_USAGE)


class Unavailable(FrontDoorError):
    """Something the machine should have is not there and could not be had."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_UNAVAILABLE)


class BuildFailed(FrontDoorError):
    """CMake or Ninja failed; their output has been shown."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_BUILD)

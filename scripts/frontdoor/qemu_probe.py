# SPDX-License-Identifier: BSD-2-Clause
"""Which QEMU is here and what it knows. Each question costs some ten milliseconds."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from typing import FrozenSet, NamedTuple, Optional, Sequence

PROGRAM = "qemu-system-aarch64"


class QemuVersion(NamedTuple):
    """A QEMU release; compares as one would expect."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


PREFERRED = QemuVersion(10, 0)


def parse_version(text: str) -> Optional[QemuVersion]:
    """The version in what `qemu --version` prints."""
    match = re.search(r"version (\d+)\.(\d+)", text)
    return QemuVersion(int(match[1]), int(match[2])) if match else None


def parse_package_version(text: str) -> Optional[QemuVersion]:
    """The version in a Debian package version, such as 1:7.2+dfsg-7."""
    match = re.match(r"(?:\d+:)?(\d+)\.(\d+)", text)
    return QemuVersion(int(match[1]), int(match[2])) if match else None


def _output(arguments: Sequence[str]) -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        return ""
    done = subprocess.run(
        [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout


@functools.lru_cache(maxsize=None)
def installed_version() -> Optional[QemuVersion]:
    """The QEMU on PATH, if there is one."""
    return parse_version(_output(["--version"]))


@functools.lru_cache(maxsize=None)
def cpu_models() -> FrozenSet[str]:
    """The -cpu models this QEMU knows."""
    lines = _output(["-machine", "virt", "-cpu", "help"]).splitlines()
    return frozenset(line.strip() for line in lines if line.startswith(" "))


@functools.lru_cache(maxsize=None)
def machines() -> FrozenSet[str]:
    """The -machine types this QEMU knows."""
    return frozenset(line.split(" ", 1)[0] for line in _output(["-machine", "help"]).splitlines()[1:])

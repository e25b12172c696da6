# SPDX-License-Identifier: BSD-2-Clause
"""Finds out which QEMU is installed and what it supports. Each query takes tens of milliseconds."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from typing import FrozenSet, NamedTuple, Optional, Sequence

PROGRAM = "qemu-system-aarch64"


class QemuVersion(NamedTuple):
    """A QEMU release; versions compare by major and then by minor number."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


PREFERRED = QemuVersion(10, 0)


def parse_version(text: str) -> Optional[QemuVersion]:
    """Returns the version in the output of `qemu --version`."""
    match = re.search(r"version (\d+)\.(\d+)", text)
    return QemuVersion(int(match[1]), int(match[2])) if match else None


def parse_package_version(text: str) -> Optional[QemuVersion]:
    """Returns the QEMU version in a Debian package version, such as 1:7.2+dfsg-7."""
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
    """Returns the version of the QEMU on PATH, or None if there is none."""
    return parse_version(_output(["--version"]))


@functools.lru_cache(maxsize=None)
def cpu_models() -> FrozenSet[str]:
    """Returns the -cpu models that this QEMU knows."""
    lines = _output(["-machine", "virt", "-cpu", "help"]).splitlines()
    return frozenset(line.strip() for line in lines if line.startswith(" "))


@functools.lru_cache(maxsize=None)
def machines() -> FrozenSet[str]:
    """Returns the -machine types that this QEMU knows."""
    return frozenset(line.split(" ", 1)[0] for line in _output(["-machine", "help"]).splitlines()[1:])


@functools.lru_cache(maxsize=None)
def devices() -> FrozenSet[str]:
    """Returns the -device types that this QEMU knows."""
    return frozenset(re.findall(r'^name "([^"]+)"', _output(["-machine", "virt", "-device", "help"]), re.M))

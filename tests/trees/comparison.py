# SPDX-License-Identifier: BSD-2-Clause
"""Lets the kernel's reader read device trees, beside the independent one, and compares what they found."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional

import independent_reader
from independent_reader import Facts, with_memory

PROGRAM = os.environ.get("PERCIVAL_DESCRIBE_TREE", "")


@dataclass(frozen=True)
class Pair:
    """What both readers found in a tree. If the kernel refuses the tree, `error` says why, and only the
    console of `kernel` counts."""

    expected: Facts
    kernel: Facts
    error: str
    violation: str

    @property
    def console_is_right(self) -> bool:
        """Whether the kernel takes the console that the tree names."""
        return self.kernel.console == self.expected.console

    @property
    def differences(self) -> List[str]:
        """What the kernel read otherwise, apart from the console."""
        names = ("controller", "cpus", "memory")
        return [
            f"{name}: {getattr(self.kernel, name)} instead of {getattr(self.expected, name)}"
            for name in names
            if not self.error and getattr(self.kernel, name) != getattr(self.expected, name)
        ] + ([f"broken promise: {self.violation}"] if self.violation else [])


def _number(fields: Mapping[str, str], name: str) -> Optional[int]:
    return int(fields[name], 16) or None if name in fields else None


def _facts(fields: Mapping[str, str]) -> Facts:
    cpus = tuple(sorted(int(cpu, 16) for cpu in fields.get("cpus", "").split()))
    return Facts(
        _number(fields, "console"), _number(fields, "controller"), cpus, _number(fields, "memory") or 0
    )


def compare(trees: Mapping[str, bytes]) -> Dict[str, Pair]:
    """Reads trees, by name, with both readers. Both get memory to read."""
    filled = {name: with_memory(blob) for name, blob in trees.items()}
    with tempfile.TemporaryDirectory(prefix="percival-") as directory:
        files = {Path(directory) / str(number): name for number, name in enumerate(filled)}
        for file, name in files.items():
            file.write_bytes(filled[name])
        done = subprocess.run([PROGRAM, *map(str, files)], stdout=subprocess.PIPE, text=True, check=True)
    pairs = {}
    for line in done.stdout.splitlines():
        fields = dict(word.split("=", 1) for word in line.split("\t"))
        name = files[Path(fields["file"])]
        expected = independent_reader.facts(filled[name])
        pairs[name] = Pair(expected, _facts(fields), fields["error"], fields["violation"])
    return pairs

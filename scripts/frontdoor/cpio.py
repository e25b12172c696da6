# SPDX-License-Identifier: BSD-2-Clause
"""Makes the archive from which Linux unpacks its first files: cpio's format newc.

Each entry is a header of 13 numbers in hexadecimal after a magic, the name, and the content; both end at a
multiple of four. (Linux: Documentation/driver-api/early-userspace/buffer-format.rst.)
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Sequence

MAGIC = b"070701"
TRAILER = "TRAILER!!!"
ALIGNMENT = 4


@dataclass(frozen=True)
class Entry:
    """A file, a directory or a device: `mode` is that of stat(2), `device` the major and minor number."""

    name: str
    mode: int
    content: bytes = b""
    device: "tuple[int, int]" = (0, 0)


def file(name: str, content: bytes, permissions: int = 0o644) -> Entry:
    """Returns the entry of a regular file."""
    return Entry(name, stat.S_IFREG | permissions, content)


def directory(name: str) -> Entry:
    """Returns the entry of a directory. It stands before what is in it."""
    return Entry(name, stat.S_IFDIR | 0o755)


def character_device(name: str, major: int, minor: int) -> Entry:
    """Returns the entry of a character device."""
    return Entry(name, stat.S_IFCHR | 0o600, device=(major, minor))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _entry(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    owner = time = check = 0
    fields = (
        *(number, entry.mode, owner, owner, 1, time, len(entry.content)),
        *(0, 0, *entry.device, len(name), check),
    )
    header = MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def archive(entries: Sequence[Entry]) -> bytes:
    """Returns the archive of the entries. It depends on nothing else."""
    everything = [*entries, Entry(TRAILER, 0)]
    return b"".join(_entry(number, entry) for number, entry in enumerate(everything, 1))

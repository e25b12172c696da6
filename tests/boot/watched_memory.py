# SPDX-License-Identifier: BSD-2-Clause
"""Makes the machine's RAM a file, so that a row can check which memory the kernel has not written to."""

from __future__ import annotations

from pathlib import Path
from typing import List

from loader import IMAGE_AT, RAM_AT
from row import Row

MIB = 1 << 20

# Of the machine's 256 MiB, the 30 MiB before the last 2 MiB are in no bank, and two ranges of the last 2 MiB
# are reserved. The kernel allocates from the top: first the root tables, in the end more than the upper bank
# has. The reserved ranges, 16 KiB apart, are where these allocations would lie otherwise.
BANKS = ((0x4000_0000, 0x0E00_0000), (0x4FE0_0000, 0x0020_0000))
FIRMWARE = (0x4FF8_0000, 0x0008_0000)
SHARED = (0x4FF3_C000, 0x0004_0000)
HOLE = (0x4E00_0000, 0x01E0_0000)
WATCHED = {"no-map": FIRMWARE, "reserved": SHARED, "hole": HOLE}
PATTERN = b"\xa5"
NAME = "memory"
IMAGE_MAGIC_AT = 56  # arm64 boot protocol
IMAGE_MAGIC = b"ARM\x64"


def make(row: Row, directory: Path) -> List[str]:
    """Makes the file that is the machine's RAM, with a pattern in the memory that the tree reserves or leaves
    out of its banks. Returns the arguments for QEMU."""
    memory = directory / NAME
    size = int(row.memory[:-1]) * MIB
    with memory.open("wb") as file:
        file.truncate(size)
        for base, length in WATCHED.values():
            file.seek(base - RAM_AT)
            file.write(PATTERN * length)
    return [
        *("-object", f"memory-backend-file,id=watched,size={size},mem-path={memory},share=on"),
        *("-machine", "memory-backend=watched"),
    ]


def problems(row: Row, directory: Path) -> List[str]:
    """Returns where the pattern has changed, after QEMU has ended."""
    found = []
    with (directory / NAME).open("rb") as file:
        file.seek((row.image_at or IMAGE_AT) - RAM_AT + IMAGE_MAGIC_AT)
        if file.read(len(IMAGE_MAGIC)) != IMAGE_MAGIC:
            found.append("the file is not the machine's memory: there is no Image in it")
        for what, (base, length) in WATCHED.items():
            file.seek(base - RAM_AT)
            if file.read(length) != PATTERN * length:
                found.append(f"the {what} memory at {base:#x} was written to")
    return found

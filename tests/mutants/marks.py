# SPDX-License-Identifier: BSD-2-Clause
"""Chooses a mutant in an Image, and reads in a machine's memory which mutants were reached.

Both are in one structure, mutation::State (runtime/mutation.hpp), that begins with a magic.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Iterator, List, Set, Tuple

MAGIC = b"percival-mutant\0"
CHOSEN_AT = len(MAGIC)
REACHED_AT = 4096
MAX_MUTANTS = 16384
CHUNK = 1 << 24


def with_mutant(image: bytes, number: int) -> bytes:
    """Returns an Image in which a mutant is on. Its checksum holds: it does not cover writable data."""
    if image.count(MAGIC) != 1:
        raise ValueError("the Image was not built with mutants")
    at = image.index(MAGIC) + CHOSEN_AT
    return image[:at] + struct.pack("<I", number) + image[at + 4 :]


def _data(file: int) -> Iterator[Tuple[int, int]]:
    """The ranges of a sparse file that have data."""
    at, size = 0, os.fstat(file).st_size
    while at < size:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:  # there is none behind `at`
            return
        at = os.lseek(file, start, os.SEEK_HOLE)
        yield start, at


def places(memory: Path) -> List[int]:
    """Returns where a file, the memory of a machine, has the structure."""
    found: List[int] = []
    file = os.open(memory, os.O_RDONLY)
    try:
        for start, end in _data(file):
            for at in range(start, end, CHUNK):
                chunk = os.pread(file, min(CHUNK, end - at) + len(MAGIC), at)
                index = chunk.find(MAGIC)
                while index >= 0:
                    if at + index not in found:
                        found.append(at + index)
                    index = chunk.find(MAGIC, index + 1)
    finally:
        os.close(file)
    return found


def take(memory: Path, where: List[int]) -> Set[int]:
    """Returns the mutants whose marks are set in the memory of a machine, and clears these marks. The machine
    may run meanwhile: a mark that it sets is read now or next time."""
    found: Set[int] = set()
    file = os.open(memory, os.O_RDWR)
    try:
        for place in where:
            marks = os.pread(file, MAX_MUTANTS, place + REACHED_AT)
            for number, mark in enumerate(marks):
                if mark:
                    found.add(number)
                    os.pwrite(file, b"\0", place + REACHED_AT + number)
    finally:
        os.close(file)
    return found

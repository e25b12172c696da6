# SPDX-License-Identifier: BSD-2-Clause
"""Makes disk images from which a boot loader or UEFI firmware starts the kernel: one FAT32 partition, and
files in it."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Tuple

from frontdoor import archive, fat, partition_tables
from frontdoor.fat import Content, FileContents

# Boards whose boot ROM reads its loader from before the first partition find room there. U-Boot of
# Rockchip's boards ends beyond 9 MiB.
PARTITION_AT = 16 << 20
# FAT32 with clusters of one sector needs more than this. The size of an SD card is a power of two for QEMU.
SMALLEST = 64 << 20
_BEHIND = 1 << 20  # has room for the copy of the GPT


def size_for(contents: int) -> int:
    """Returns the size of an image that holds files of this many bytes: a power of two."""
    size = SMALLEST
    while size < PARTITION_AT + contents + contents // 8 + (1 << 20) + _BEHIND:
        size *= 2
    return size


def _write(image: Path, size: int, ends: Tuple[bytes, bytes], partition: int, files: FileContents) -> None:
    """Writes an image of that size, which begins and ends with these bytes, with a partition of that size.
    Leaves no image if that fails."""
    draft = image.with_name(image.name + ".draft")
    try:
        with draft.open("wb") as file:
            file.truncate(size)
            file.write(ends[0])
            file.seek(size - len(ends[1]))
            file.write(ends[1])
        fat.write(draft, PARTITION_AT, partition, files, fat.FAT32)
        draft.replace(image)
    finally:
        draft.unlink(missing_ok=True)


def make(image: Path, files: Mapping[str, Content]) -> None:
    """Writes an image with a boot record and these files, by their paths in the file system. Equal files make
    equal images. Raises Unavailable if that fails, and leaves no image then."""
    contents = fat.read(files)
    size = size_for(sum(map(len, contents.values())))
    partition = size - PARTITION_AT
    head = partition_tables.boot_record(PARTITION_AT, partition)
    _write(image, size, (head, b""), partition, contents)


def make_with_gpt(image: Path, files: Mapping[str, Content]) -> None:
    """Does the same with a GPT, in which the partition is an EFI system partition."""
    contents = fat.read(files)
    size = size_for(sum(map(len, contents.values())))
    partition = size - PARTITION_AT - _BEHIND
    seed = archive.checksums(contents)
    ends = partition_tables.gpt(size, PARTITION_AT, partition, "Percival", seed)
    _write(image, size, ends, partition, contents)

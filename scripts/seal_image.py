#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Seals the image: writes the sums of its text and read-only data, without the headers, into the seal at its
end (mm/image/image_seal.hpp), both in the ELF file and in the flat Image made from it.

usage: seal_image.py ELF NM IMAGE

NM is the output of `nm` for the ELF file.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Dict, Tuple

MAGIC = b"percival"
MASK = (1 << 64) - 1
PT_LOAD = 1


class Error(Exception):
    """An error whose text is a sentence for the user."""


def sums_of(data: bytes) -> Tuple[int, int]:
    """Returns Fletcher's checksum over 64-bit words, as sums_of() of the kernel does: plain, weighted."""
    plain = weighted = 0
    for (word,) in struct.iter_unpack("<Q", data):
        plain += word
        weighted += plain
    return plain & MASK, weighted & MASK


def symbols(listing: str) -> Dict[str, int]:
    """Returns the addresses in the output of nm."""
    fields = (line.split() for line in listing.splitlines())
    return {name[2]: int(name[0], 16) for name in fields if len(name) == 3}


def file_offset(elf: bytes, address: int) -> int:
    """Returns where the ELF file holds the byte that is loaded at a virtual address."""
    (headers,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for at in range(headers, headers + size * count, size):
        kind, _, offset, start, _, in_file = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == PT_LOAD and start <= address < start + in_file:
            return int(offset + address - start)
    raise Error(f"the ELF file holds nothing at {address:#x}")


def seal(data: bytearray, at: int, sums: Tuple[int, int]) -> None:
    """Writes the sums behind the magic at `at`."""
    if data[at : at + len(MAGIC)] != MAGIC:
        raise Error(f"there is no seal at {at:#x}")
    struct.pack_into("<QQ", data, at + len(MAGIC), *sums)


def main() -> int:
    elf_path, nm_path, image_path = map(Path, sys.argv[1:4])
    try:
        address = symbols(nm_path.read_text(encoding="utf-8"))
        start, first, end, seal_at = (
            address[name] for name in ("_text", "_sealed", "_erodata", "_image_seal")
        )
        image, elf = bytearray(image_path.read_bytes()), bytearray(elf_path.read_bytes())
        sums = sums_of(image[first - start : end - start])
        seal(image, seal_at - start, sums)
        seal(elf, file_offset(elf, seal_at), sums)
        if len(image) != seal_at - start + len(MAGIC) + 16:
            raise Error("the seal is not at the end of the Image")
        image_path.write_bytes(image)
        elf_path.write_bytes(elf)
    except (Error, OSError, KeyError) as error:
        print(f"seal_image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

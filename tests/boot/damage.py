# SPDX-License-Identifier: BSD-2-Clause
"""Damage to what a boot loader hands to the kernel: to the blob of a device tree, or to the Image."""

from __future__ import annotations

from typing import Callable, Dict

from frontdoor.paths import build_dir
from row import Row


def whole(blob: bytes) -> bytes:
    """Returns the tree as it is: without damage."""
    return blob


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(blob: bytes) -> bytes:
        if blob.count(old) != 1:
            raise ValueError(f"the tree has {blob.count(old)} times {old!r}")
        return blob.replace(old, new)

    return damage


# What has happened to QEMU's tree since it was made. libfdt refuses all of it.
DAMAGED_TREES: Dict[str, Callable[[bytes], bytes]] = {
    "damaged_structure": _replaced(b"\0\0\0\1cpus\0", b"\0\0\0\x81cpus\0"),
    "cut_behind_its_header": lambda blob: blob[:64],
    "damaged_magic": _replaced(b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe\xec"),
}


def _flipped_bit(data: bytes, row: Row) -> bytes:
    """Changes a bit in a self-test that does not run."""
    name = "selftest_demo_fails"
    listing = (build_dir(row.preset) / "percival.nm").read_text().splitlines()
    address = {name: int(at, 16) for at, _, name in (line.split(maxsplit=2) for line in listing)}
    found = [at for mangled, at in address.items() if name in mangled]
    at = found[0] - address["_text"]
    return data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]


# What has happened to the Image since it was made.
DAMAGED_IMAGES: Dict[str, Callable[[bytes, Row], bytes]] = {
    "half": lambda data, row: data[: len(data) // 2],
    "less_its_last_4_KiB": lambda data, row: data[:-4096],
    "flipped_bit": _flipped_bit,
}

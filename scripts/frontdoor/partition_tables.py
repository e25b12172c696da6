# SPDX-License-Identifier: BSD-2-Clause
"""The partition tables of images with one partition: a boot record, or the GPT of UEFI.

(UEFI specification, chapter 5: GUID Partition Table Disk Layout.)
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib
from typing import Tuple

from frontdoor.fat import SECTOR

_FAT32_WITH_LBA = 0x0C
_PROTECTIVE = 0xEE
_BOOTABLE = 0x80
_ENTRY_AT = 446
_SIGNATURE = b"\x55\xaa"
_NO_CYLINDERS = b"\xfe\xff\xff"  # the partition's place is told by sectors only
_FIRST_CYLINDER, _ALL_CYLINDERS = b"\x00\x02\x00", b"\xff\xff\xff"

_EFI_SYSTEM_PARTITION = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_HEADER = struct.Struct("<8s4I4Q16sQ3I")
_ENTRY = struct.Struct("<16s16s3Q72s")
_ENTRIES = 128
_SECTORS_OF_ENTRIES = _ENTRIES * _ENTRY.size // SECTOR
# What the GPT takes at the beginning of a disk, without the boot record, and at its end.
GPT_SECTORS = 1 + _SECTORS_OF_ENTRIES


def _boot_record(status: int, start: bytes, kind: int, end: bytes, first: int, sectors: int) -> bytes:
    entry = struct.pack("<B3sB3sII", status, start, kind, end, first, sectors)
    return (bytes(_ENTRY_AT) + entry).ljust(SECTOR - len(_SIGNATURE), b"\0") + _SIGNATURE


def boot_record(at: int, size: int) -> bytes:
    """Returns a boot record with one bootable FAT32 partition. The offset and the size are in bytes."""
    place = (at // SECTOR, size // SECTOR)
    return _boot_record(_BOOTABLE, _NO_CYLINDERS, _FAT32_WITH_LBA, _NO_CYLINDERS, *place)


def _guid(seed: bytes, what: bytes) -> bytes:
    """Returns a GUID that depends on the seed only."""
    return uuid.UUID(bytes=hashlib.sha256(what + seed).digest()[:16], version=4).bytes_le


def gpt(disk: int, at: int, size: int, name: str, seed: bytes) -> Tuple[bytes, bytes]:
    """Returns what stands at the beginning of a disk of `disk` bytes whose one partition is an EFI system
    partition, and what stands at its end. The offset and the size of the partition are in bytes. It has
    that name, of up to 36 characters, and GUIDs that depend on the seed."""
    last = disk // SECTOR - 1
    first_usable, last_usable = 1 + GPT_SECTORS, last - GPT_SECTORS
    place = (at // SECTOR, (at + size) // SECTOR - 1)
    if not first_usable <= place[0] <= place[1] <= last_usable:
        raise ValueError("the partition does not fit")
    partition = _guid(seed, b"partition")
    entry = _ENTRY.pack(_EFI_SYSTEM_PARTITION.bytes_le, partition, *place, 0, name.encode("utf-16-le"))
    entries = entry.ljust(_ENTRIES * _ENTRY.size, b"\0")

    def header(here: int, other: int, entries_at: int) -> bytes:
        def with_sum(checksum: int) -> bytes:
            fields = (b"EFI PART", 0x10000, _HEADER.size, checksum, 0, here, other, first_usable, last_usable)
            of_entries = (entries_at, _ENTRIES, _ENTRY.size, zlib.crc32(entries))
            return _HEADER.pack(*fields, _guid(seed, b"disk"), *of_entries)

        return with_sum(zlib.crc32(with_sum(0))).ljust(SECTOR, b"\0")

    protective = _boot_record(0, _FIRST_CYLINDER, _PROTECTIVE, _ALL_CYLINDERS, 1, min(last, 0xFFFF_FFFF))
    head = protective + header(1, last, 2) + entries
    return head, entries + header(last, 1, last - _SECTORS_OF_ENTRIES)

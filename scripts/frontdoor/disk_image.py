# SPDX-License-Identifier: BSD-2-Clause
"""Makes disk images from which a boot loader starts the kernel: one FAT32 partition, and files in it.

Neither root nor a mount is needed: mtools writes the file system into the image.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Union

from frontdoor import source_date
from frontdoor.errors import Unavailable

SECTOR = 512
# Boards whose boot ROM reads its loader from before the first partition find room there. U-Boot of
# Rockchip's boards ends beyond 9 MiB.
PARTITION_AT = 16 << 20
# FAT32 with clusters of one sector needs more than this. The size of an SD card is a power of two for QEMU.
SMALLEST = 64 << 20
FAT32_WITH_LBA = 0x0C
BOOTABLE = 0x80
MBR_ENTRY_AT = 446
MBR_SIGNATURE = b"\x55\xaa"
NO_CYLINDERS = b"\xfe\xff\xff"  # the partition's place is told by sectors only

Content = Union[bytes, Path]


def boot_record(size: int) -> bytes:
    """Returns the boot record of an image of `size` bytes, with one bootable partition up to its end."""
    entry = struct.pack(
        "<B3sB3sII",
        BOOTABLE,
        NO_CYLINDERS,
        FAT32_WITH_LBA,
        NO_CYLINDERS,
        PARTITION_AT // SECTOR,
        (size - PARTITION_AT) // SECTOR,
    )
    return (bytes(MBR_ENTRY_AT) + entry).ljust(SECTOR - len(MBR_SIGNATURE), b"\0") + MBR_SIGNATURE


def size_for(contents: int) -> int:
    """Returns the size of an image that holds files of this many bytes: a power of two."""
    size = SMALLEST
    while size < PARTITION_AT + contents + contents // 8 + (1 << 20):
        size *= 2
    return size


def _mtools(command: List[str], data: Optional[bytes] = None) -> None:
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, env=source_date.environment()
        )
    except OSError as error:
        raise Unavailable(
            f"{command[0]} cannot be run ({error.strerror}); ./percival setup installs it"
        ) from error
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise Unavailable(f"the disk image cannot be written: {command[0]}: {message}")


def read(files: Mapping[str, Content]) -> Dict[str, bytes]:
    """Returns the contents of the files."""
    return {name: data if isinstance(data, bytes) else data.read_bytes() for name, data in files.items()}


def make(image: Path, files: Mapping[str, Content]) -> None:
    """Writes an image with these files, by their paths in the file system. Equal files make equal images.
    Raises Unavailable if that fails, and leaves no image then."""
    contents = read(files)
    size = size_for(sum(map(len, contents.values())))
    draft = image.with_name(image.name + ".draft")
    partition = f"{draft}@@{PARTITION_AT}"
    try:
        with draft.open("wb") as file:
            file.truncate(size)
            file.write(boot_record(size))
        sectors = (size - PARTITION_AT) // SECTOR
        # The geometry is not used. mformat wants one. It would make the serial number up.
        geometry = ["-T", str(sectors), "-h", "255", "-s", "63", "-H", str(PARTITION_AT // SECTOR)]
        serial = ["-N", f"{source_date.source_date():08x}"]
        _mtools(["mformat", "-i", partition, "-F", *geometry, *serial, "::"])
        directories = {str(parent) for name in contents for parent in Path(name).parents} - {"."}
        for directory in sorted(directories):
            _mtools(["mmd", "-i", partition, f"::/{directory}"])
        for name, data in contents.items():
            _mtools(["mcopy", "-i", partition, "-", f"::/{name}"], data)
        draft.replace(image)
    finally:
        draft.unlink(missing_ok=True)

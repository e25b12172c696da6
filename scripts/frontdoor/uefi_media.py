# SPDX-License-Identifier: BSD-2-Clause
"""Makes the media from which UEFI firmware starts the kernel: a disk with an EFI system partition, and an ISO
image for CD-ROMs, which is the image of a disk, too.

Firmware starts EFI/BOOT/BOOTAA64.EFI, and gives it no arguments. So this file is the kernel itself, or, if
there are boot arguments, GRUB, which gives them to the kernel.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Dict, Mapping

from frontdoor import fat, grub
from frontdoor.fat import Content, FileContents
from frontdoor.paths import KERNEL_NAME
from frontdoor.source_date import source_date

STARTED_BY_FIRMWARE = "EFI/BOOT/BOOTAA64.EFI"
_LABEL = "PERCIVAL"
_ISO_MAGIC_AT = 0x8001
_ISO_MAGIC = b"CD001"
_EFI_SYSTEM_PARTITION = "0xef"


def through_grub(kernel: Path, configuration: bytes) -> Dict[str, Content]:
    """Returns the files of a medium from which firmware starts GRUB, with this configuration, by their
    paths."""
    return {
        STARTED_BY_FIRMWARE: grub.application(),
        grub.CONFIGURATION_NAME: configuration,
        KERNEL_NAME: kernel,
    }


def files(kernel: Path, arguments: str) -> Dict[str, Content]:
    """Returns the files of a medium that boots the kernel with these arguments, by their paths."""
    if not arguments:
        return {STARTED_BY_FIRMWARE: kernel}
    return through_grub(kernel, grub.menu("Percival", grub.start(f"/{KERNEL_NAME}", arguments)))


def _partition_size(contents: FileContents) -> int:
    """Returns the size of a FAT file system for the files, a multiple of 1 MiB."""
    needed = sum(map(len, contents.values()))
    return (needed + needed // 8 + (2 << 20)) >> 20 << 20


def make_iso(image: Path, content: Mapping[str, Content]) -> None:
    """Writes an ISO image with these files, and with a partition that has them, too: firmware reads only FAT,
    and GRUB reads only the ISO file system when it was started from a CD-ROM. Equal files make equal images.
    Raises Unavailable if that fails, and leaves no image then."""
    contents = fat.read(content)
    with tempfile.TemporaryDirectory(prefix=".iso-", dir=image.parent) as name:
        tree, partition, draft = (Path(name) / part for part in ("tree", "partition", "draft"))
        for path, data in contents.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
        for entry in (tree, *tree.rglob("*")):
            os.utime(entry, (source_date(), source_date()))
        size = _partition_size(contents)
        with partition.open("wb") as file:
            file.truncate(size)
        fat.write(partition, 0, size, contents)
        # The date, which is the environment's, makes the GUIDs of the partition table, too.
        fat.run_tool(
            [
                *("xorriso", "-as", "mkisofs", "-quiet", "-rational-rock", "-V", _LABEL, "-o", str(draft)),
                *("-append_partition", "2", _EFI_SYSTEM_PARTITION, str(partition), "-appended_part_as_gpt"),
                *("-e", "--interval:appended_partition_2:all::", "-no-emul-boot", str(tree)),
            ]
        )
        draft.replace(image)


def is_iso(image: Path) -> bool:
    """Returns whether the file is an ISO image."""
    with image.open("rb") as file:
        file.seek(_ISO_MAGIC_AT)
        return file.read(len(_ISO_MAGIC)) == _ISO_MAGIC


def how_to_start(arguments: str) -> str:
    """Returns what to type to start the kernel without one of the media."""
    return f"""In the UEFI shell, from a FAT file system such as fs0:

    fs0:
    {" ".join([KERNEL_NAME, *arguments.split()])}

In GRUB, as an entry of its menu, with the kernel on the file system of /boot:

    menuentry "Percival" {{
      {grub.start("/boot/Image", arguments)}
    }}
"""

# SPDX-License-Identifier: BSD-2-Clause
"""Writes FAT file systems into images. Neither root nor a mount is needed: mtools does it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Union

from frontdoor import source_date
from frontdoor.errors import Unavailable

SECTOR = 512
FAT32 = "-F"  # as an option of mformat, which otherwise takes the kind that fits the size

Content = Union[bytes, Path]
FileContents = Mapping[str, bytes]  # by their paths in the file system


def run_tool(command: List[str], data: Optional[bytes] = None) -> None:
    """Runs a program that writes to an image, with `data` as its input. The program dates files as
    source_date says. Raises Unavailable if it fails, with its message."""
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


def write(image: Path, at: int, size: int, contents: FileContents, *more: str) -> None:
    """Makes a file system of `size` bytes at the offset `at` of an image that is so large, and writes the
    files to it. `more` are options of mformat. Equal files make equal file systems."""
    place = f"{image}@@{at}"
    # The geometry is not used. mformat wants one. It would make the serial number up.
    geometry = ["-T", str(size // SECTOR), "-h", "255", "-s", "63", "-H", str(at // SECTOR)]
    serial = ["-N", f"{source_date.source_date():08x}"]
    run_tool(["mformat", "-i", place, *more, *geometry, *serial, "::"])
    directories = {str(parent) for name in contents for parent in Path(name).parents} - {"."}
    for directory in sorted(directories):
        run_tool(["mmd", "-i", place, f"::/{directory}"])
    for name, data in contents.items():
        run_tool(["mcopy", "-i", place, "-", f"::/{name}"], data)

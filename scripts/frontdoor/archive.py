# SPDX-License-Identifier: BSD-2-Clause
"""Makes archives that depend on nothing but their files' names and contents."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Mapping

from frontdoor.source_date import source_date

CHECKSUMS = "SHA256SUMS"


def checksums(files: Mapping[str, bytes]) -> bytes:
    """Returns the text that `sha256sum --check` reads."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def make(archive: Path, directory: str, files: Mapping[str, bytes]) -> None:
    """Writes a .tar.gz in which the files, and their checksums, lie in a directory of that name."""
    everything = {**files, CHECKSUMS: checksums(files)}
    date = source_date()
    unpacked = io.BytesIO()
    with tarfile.open(mode="w", fileobj=unpacked, format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(everything):
            entry = tarfile.TarInfo(f"{directory}/{name}")
            entry.size, entry.mtime, entry.mode = len(everything[name]), date, 0o644
            tar.addfile(entry, io.BytesIO(everything[name]))
    archive.write_bytes(gzip.compress(unpacked.getvalue(), mtime=date))

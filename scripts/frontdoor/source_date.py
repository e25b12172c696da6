# SPDX-License-Identifier: BSD-2-Clause
"""The time that files in images and archives are dated with, so that equal files make equal images: that of
SOURCE_DATE_EPOCH, or else the first that a FAT file system knows.
"""

from __future__ import annotations

import os
from typing import Dict

from frontdoor.errors import UsageError

VARIABLE = "SOURCE_DATE_EPOCH"
FIRST_OF_FAT = 315532800  # 1980-01-01T00:00:00Z
LAST_OF_GZIP = (1 << 32) - 1


def source_date() -> int:
    """Returns the time in seconds since 1970. Raises UsageError if the variable holds no such time."""
    text = os.environ.get(VARIABLE, str(FIRST_OF_FAT))
    if not (text.isascii() and text.isdigit()) or not FIRST_OF_FAT <= int(text) <= LAST_OF_GZIP:
        raise UsageError(f"{VARIABLE} takes seconds since 1970, from {FIRST_OF_FAT} on, not '{text}'")
    return int(text)


def environment() -> Dict[str, str]:
    """Returns the environment in which mtools dates files so."""
    return {**os.environ, VARIABLE: str(source_date()), "TZ": "UTC"}

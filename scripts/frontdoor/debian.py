# SPDX-License-Identifier: BSD-2-Clause
"""Finds out which Debian release the machine runs, if any."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Dict, Optional

OS_RELEASE = Path("/etc/os-release")


def os_release(path: Path = OS_RELEASE) -> Dict[str, str]:
    """Returns the fields of os-release(5)."""
    if not path.is_file():
        return {}
    pairs = (word.partition("=") for word in shlex.split(path.read_text(errors="replace"), comments=True))
    return {key: value for key, equals, value in pairs if equals}


def debian_codename(path: Path = OS_RELEASE) -> Optional[str]:
    """Returns the codename of the release on Debian itself, else None. Derivatives also give None, because
    their package names may differ from Debian's."""
    fields = os_release(path)
    return fields.get("VERSION_CODENAME") if fields.get("ID") == "debian" else None

# SPDX-License-Identifier: BSD-2-Clause
"""Private states of apt: lists and downloads of packages that are not for this machine, and their files
unpacked.

apt verifies such packages as usual. No root is needed, no architecture is added, and the system is not
changed. A state knows only the sources that it is given, and nothing of what is installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Sequence

from frontdoor.progress import run_tool

FIRST = "arm64"
_SOURCES = "archive.sources"
_STATUS = "status"
_UNPACK = (
    'file=$1; into=$2; shift 2; dpkg-deb --fsys-tarfile "$file" | tar -x --no-same-owner -C "$into" "$@"'
)


def lay_out(state: Path, sources: str) -> None:
    """Makes the directories of a state in `state`, and gives it the sources, which are the text of a
    .sources file."""
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True)
    (state / _SOURCES).write_text(sources)
    (state / _STATUS).touch()


def options(state: Path, others: Sequence[str] = ()) -> List[str]:
    """Returns the options by which apt works in that state, for packages of arm64 and of `others`."""
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / _STATUS,
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / _SOURCES,
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": FIRST,
        "APT::Architectures": ",".join([FIRST, *(other for other in others if other != FIRST)]),
        "Acquire::Languages": "none",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def unpack(file: Path, into: Path, chosen: Sequence[str], log: Path) -> bool:
    """Unpacks the package's file into a directory. `chosen` are arguments of tar that say which members.
    Returns whether that succeeded."""
    command = ["sh", "-c", _UNPACK, "sh", str(file), str(into), *chosen]
    return run_tool(f"unpacking {file.name}", command, log) == 0

# SPDX-License-Identifier: BSD-2-Clause
"""Runs apt-get without questions. Commands that change the system go through `as_root`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Sequence

from frontdoor.errors import Unavailable
from frontdoor.paths import LOGS
from frontdoor.progress import run_tool, say

OPTIONS = ("-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300")
INSTALL = ("install", "--no-install-recommends")


def environment() -> Dict[str, str]:
    """Returns the environment for apt-get: it asks no questions, and its messages are in English."""
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def as_root(command: Sequence[str], wanted: Sequence[str]) -> List[str]:
    """Returns the command line that runs `command` as root. `wanted` are the packages that the error names if
    there is no way to become root."""
    if os.geteuid() == 0:
        return list(command)
    by_hand = f"apt-get update && apt-get install --no-install-recommends {' '.join(wanted)}"
    if not shutil.which("sudo"):
        raise Unavailable(f"packages are missing and only root can install them. As root:\n  {by_hand}")
    sudo = ["sudo"] if sys.stdin is not None and sys.stdin.isatty() else ["sudo", "-n"]
    if subprocess.run([*sudo, "true"], check=False).returncode != 0:
        raise Unavailable(f"packages are missing and sudo refused to install them. As root:\n  {by_hand}")
    return [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command]


def apt_get(what: str, arguments: Sequence[str], wanted: Sequence[str], *, show_failure: bool = True) -> int:
    """Runs apt-get as root with progress; returns its exit code."""
    command = as_root(["apt-get", *OPTIONS, *arguments], wanted)
    return run_tool(what, command, LOGS / "apt.log", env=environment(), show_failure=show_failure)


def update(wanted: Sequence[str]) -> None:
    """Refreshes the package lists. A failure is only reported, because the failing source may not be
    needed."""
    if apt_get("fetching the package lists", ["update"], wanted, show_failure=False) != 0:
        say(f"apt-get update had errors (see {LOGS / 'apt.log'}); going on with the lists there are")


def update_only(sources_file: Path, wanted: Sequence[str]) -> bool:
    """Fetches the lists of one sources file and keeps all other lists. Returns whether that worked."""
    only = ["-o", f"Dir::Etc::sourcelist={sources_file}", "-o", "Dir::Etc::sourceparts=/dev/null"]
    keep = ["-o", "APT::Get::List-Cleanup=0"]
    return apt_get("fetching the backports list", [*only, *keep, "update"], wanted, show_failure=False) == 0


def query(command: Sequence[str]) -> str:
    """Returns the output of an apt query, or an empty string if it fails."""
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def debian_uris() -> List[str]:
    """Returns the URIs of the archives that call themselves Debian, from the lists that apt has fetched."""
    lines = query(["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"])
    return sorted({line.split(" ", 1)[1] for line in lines.splitlines() if line.startswith("Debian ")})


def architecture() -> str:
    """Returns Debian's name of this machine's architecture, or an empty string if this is no Debian."""
    return query(["dpkg", "--print-architecture"]).strip() if shutil.which("dpkg") else ""


def suite_has(package: str, suite: str) -> bool:
    """Returns whether the fetched lists offer `package` in `suite`."""
    return any(f" {suite}/" in line for line in query(["apt-cache", "madison", package]).splitlines())


def candidate(package: str) -> str:
    """Returns the version that a plain install would take, or an empty string if there is none."""
    lines = (line.split() for line in query(["apt-cache", "policy", package]).splitlines())
    return next((words[1] for words in lines if len(words) == 2 and words[0] == "Candidate:"), "")

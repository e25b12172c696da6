# SPDX-License-Identifier: BSD-2-Clause
"""Unpacks libfdt for arm64, which the kernel links, into build/sysroot.

libfdt-dev of two architectures cannot be installed side by side, and the host tests link the one of the host.
So Debian's arm64 package is fetched with a private apt state and unpacked. apt verifies it as usual, no root
is needed, and the system is not changed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import List

from frontdoor import apt, apt_sources
from frontdoor.debian import debian_codename
from frontdoor.errors import Unavailable
from frontdoor.paths import BUILD, LOGS, SYSROOT
from frontdoor.progress import run_tool, say

PACKAGE = "libfdt-dev"
NEEDED = ("usr/include/libfdt.h", "usr/lib/aarch64-linux-gnu/libfdt.a", "usr/share/doc/libfdt-dev/copyright")


def present() -> bool:
    """Returns whether the sysroot is complete."""
    return all((SYSROOT / path).is_file() for path in NEEDED)


def _by_hand() -> str:
    paths = ", ".join(NEEDED[:2])
    return f"libfdt built for arm64 is needed in {SYSROOT} ({paths})"


def _options(state: Path) -> List[str]:
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "main.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Acquire::Languages": "none",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"
    return ["apt-get", "-q"] + [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def provide() -> None:
    """Fetches and unpacks the package, unless the sysroot is complete."""
    if present():
        return
    codename = debian_codename()
    if codename is None or not shutil.which("apt-get"):
        raise Unavailable(f"{_by_hand()}; it can be fetched only on Debian")
    source = apt_sources.main_source(apt_sources.machine_sources(), codename, apt.debian_uris())
    if source is None:
        raise Unavailable(f"{_by_hand()}; no apt source of this machine offers Debian {codename} main")
    suite = next(suite for suite in source.suites if suite in (codename, *apt_sources.ALIASES))
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=BUILD) as name:
        state = Path(name)
        for part in ("lists/partial", "cache/archives/partial"):
            (state / part).mkdir(parents=True)
        (state / "main.sources").write_text(apt_sources.render(source, suite, "arm64 packages, private"))
        options, log = _options(state), LOGS / "sysroot.log"
        unpacked = state / "root"
        fetched = (
            run_tool("fetching the arm64 package list", [*options, "update"], log, env=apt.environment()) == 0
            and run_tool(
                "fetching libfdt for arm64",
                [*options, "download", PACKAGE],
                log,
                cwd=state,
                env=apt.environment(),
            )
            == 0
        )
        packages = list(state.glob(f"{PACKAGE}_*.deb"))
        if not fetched or len(packages) != 1:
            raise Unavailable(f"{_by_hand()}; it could not be fetched")
        if run_tool("unpacking libfdt", ["dpkg-deb", "-x", str(packages[0]), str(unpacked)], log) != 0:
            raise Unavailable(f"{_by_hand()}; {packages[0].name} could not be unpacked")
        shutil.rmtree(SYSROOT, ignore_errors=True)
        unpacked.rename(SYSROOT)
    if not present():
        raise Unavailable(f"{_by_hand()}; {PACKAGE} does not have them")
    say(f"libfdt for arm64 is in {SYSROOT}")

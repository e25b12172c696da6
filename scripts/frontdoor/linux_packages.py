# SPDX-License-Identifier: BSD-2-Clause
"""Fetches the arm64 kernels that Debian packages, with what a module for them is built with, and unpacks them
below build/foreign.

Takes the newest kernel of the release, its updates and its backports, as far as this machine's apt sources
have them. Two flavours are taken: the plain one and the one for real time, which is preemptible.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from frontdoor import apt, apt_sources, private_apt
from frontdoor.debian import debian_codename
from frontdoor.errors import Unavailable
from frontdoor.paths import FOREIGN, LOGS
from frontdoor.progress import run_tool, say

DIRECTORY = FOREIGN / "linux-peer"
FLAVOURS = ("arm64", "rt-arm64")
NOT_UNPACKED = ("./lib", "./usr/lib/modules", "./usr/lib/linux-image-*")  # modules and device trees

_IMAGE = re.compile(r"linux-image-(?P<version>\d+\.\d+\.\d+[^-\s]*(?:-\d+)?)-(?P<flavour>arm64|rt-arm64)")
_BUILD_PARTS = re.compile(r"(?<![^\s,])linux-(?:kbuild-[^\s,]+|headers-[^\s,]+-common(?:-rt)?)(?![^\s,])")


@dataclass(frozen=True)
class Kernel:
    """A kernel that is unpacked below `root`. Its release is what uname(1) calls it."""

    root: Path
    release: str

    @property
    def image(self) -> Path:
        """The kernel for boot loaders."""
        return self.root / "boot" / f"vmlinuz-{self.release}"

    @property
    def headers(self) -> Path:
        """The directory of its configuration, in which make runs."""
        return self.root / "usr" / "src" / f"linux-headers-{self.release}"

    @property
    def makefile(self) -> Path:
        """The Makefile of its sources. The headers name it as it would be installed."""
        name = re.fullmatch(r"include /(\S+)\s*", (self.headers / "Makefile").read_text())
        if name is None:
            raise Unavailable(f"{self.headers / 'Makefile'} names no Makefile")
        return self.root / name[1]


def _numbers(version: str) -> List[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def newest(names: Sequence[str]) -> Optional[str]:
    """Returns the version of the newest kernel that has an image and headers in every flavour, or None.
    `names` are those of packages."""
    there = set(names)
    matches = (_IMAGE.fullmatch(name) for name in names)
    versions = {match["version"] for match in matches if match}
    complete = [
        version
        for version in versions
        if all(
            f"linux-{part}-{version}-{each}" in there for part in ("image", "headers") for each in FLAVOURS
        )
    ]
    return max(complete, key=_numbers) if complete else None


def build_parts(description: str) -> List[str]:
    """Returns the packages without which headers are incomplete: the common headers and the programs.
    `description` is what apt-cache shows of the headers."""
    depends = re.findall(r"^Depends: (.*)$", description, re.MULTILINE)
    return _BUILD_PARTS.findall(depends[0]) if depends else []


def unpacked(root: Path = DIRECTORY) -> List[Kernel]:
    """Returns the kernels that are there, the plain one first. They appear in one step, so they are there
    whole."""
    names = [path.name.partition("-")[2] for path in root.glob("boot/vmlinuz-*")]
    return [Kernel(root, name) for name in sorted(names, key=lambda name: ("-rt-" in name, name))]


def _missing(why: str) -> Unavailable:
    return Unavailable(f"Debian's arm64 kernels cannot be had: {why}")


def _sources() -> str:
    """Returns the machine's sources of the release as the text of a .sources file."""
    codename = debian_codename()
    if codename is None or not shutil.which("apt-get"):
        raise _missing("they can be fetched only on Debian")
    found = apt_sources.release_sources(apt_sources.machine_sources(), codename, apt.debian_uris())
    if not found:
        raise _missing(f"no apt source of this machine offers Debian {codename} main")
    return "\n".join(apt_sources.render(one, " ".join(one.suites), "arm64, private") for one in found)


def _choose(options: Sequence[str], native: str) -> Tuple[str, List[str]]:
    """Returns the version of the kernel to take, and its packages."""
    found = apt.query(["apt-cache", *options, "search", "--names-only", r"^linux-(image|headers)-[0-9]"])
    version = newest([line.split(" ", 1)[0] for line in found.splitlines()])
    if version is None:
        raise _missing("the lists of packages could not be fetched, or have no kernel with headers")
    packages = []
    for flavour in FLAVOURS:
        headers = f"linux-headers-{version}-{flavour}:{private_apt.FIRST}"
        packages += [f"linux-image-{version}-{flavour}:{private_apt.FIRST}", headers]
        for part in build_parts(apt.query(["apt-cache", *options, "show", headers])):
            packages.append(f"{part}:{native}" if "-kbuild-" in part else part)
    return version, list(dict.fromkeys(packages))


def _unpack(files: Sequence[Path], into: Path, log: Path) -> None:
    """Unpacks the packages, but for what is many times larger and not used."""
    left_out = [f"--exclude={path}" for path in NOT_UNPACKED]
    into.mkdir()
    for file in files:
        if not private_apt.unpack(file, into, left_out, log):
            raise _missing(f"{file.name} could not be unpacked")


def _fetch() -> None:
    log = LOGS / "linux-packages.log"
    sources = _sources()
    native = apt.architecture()
    FOREIGN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=FOREIGN) as directory:
        state = Path(directory)
        private_apt.lay_out(state, sources)
        options = [*private_apt.options(state, [native]), "-o", "Acquire::http::Timeout=30"]
        update = ["apt-get", "-q", *options, "update"]
        # A source that fails may not be needed.
        run_tool("fetching the arm64 package lists", update, log, env=apt.environment(), show_failure=False)
        version, packages = _choose(options, native)
        download = ["apt-get", "-q", *options, "download", *packages]
        what = f"fetching Linux {version} for arm64"
        if run_tool(what, download, log, cwd=state, env=apt.environment(), show_failure=False) != 0:
            raise _missing(f"Linux {version} could not be fetched; apt's messages are in {log}")
        _unpack(sorted(state.glob("*.deb")), state / "unpacked", log)
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        (state / "unpacked").rename(DIRECTORY)
    say(f"Linux {version} for arm64 is in {DIRECTORY}")


def provide(*, may_fetch: bool) -> List[Kernel]:
    """Returns the kernels, and fetches them if they are not there and that is allowed. Raises Unavailable if
    they cannot be had."""
    if not unpacked():
        if not may_fetch:
            raise _missing("--no-build fetches nothing")
        _fetch()
    return unpacked()

# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy with the checks of .clang-tidy over every C++ source of the tree, and through these over
the headers: the kernel and its self-tests as the preset no-local-percpu compiles them, the host tests and
fuzzers as the preset host does, and the programs in scripts. Exit code 0: nothing was found.

A source that passed is not looked at again until it changes, or a header of the tree that it includes, its
options, the checks or this program. build/clang-tidy/passed has an empty file for each source that passed,
called by the hash of all these. Headers of the system are not hashed: after an update of theirs, remove that
directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Dict, List, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parents[2]
CLANG_TIDY = "clang-tidy-19"
STATE = ROOT / "build" / "clang-tidy"
PASSED = STATE / "passed"

# The build that compiles the sources of some directories. Slow ones come first, so that no CPU idles at the
# end.
HOST = ("host", ("tests/host", "tests/fuzz"))
KERNEL = ("no-local-percpu", ("tests/kernel", "tests/bench", "mm", "kernel", "arch", "boot"))
# Compiled to assembly, with options that clang-tidy does not know.
LEFT_OUT = ("asm_offsets.cpp",)
# No preset compiles these; scripts/frontdoor/layout.py does, with these options.
SCRIPTS = ("scripts/print_layout.cpp",)
OPTIONS_OF_SCRIPTS = (
    *("clang++-19", "-std=c++23", "-DPERCIVAL_GRANULE_KIB=4", "-DPERCIVAL_VA_BITS=48", f"-I{ROOT}"),
    *("-Wall", "-Wextra"),
)
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A source, and the command that compiles it."""

    path: Path
    directory: str
    command: Tuple[str, ...]


def without_precompiled(command: Sequence[str]) -> Tuple[str, ...]:
    """The command without its precompiled header. clang-tidy looks at all of a precompiled header in each
    source, so the few headers that a source of the kernel includes itself take less time. A host test
    includes GoogleTest, and through it most of what is precompiled."""
    kept: List[str] = []
    words = list(command)
    while words:
        if words[0] == "-Xclang" and words[1] in ("-include-pch", "-include"):
            del words[:4]
        else:
            kept.append(words.pop(0))
    return tuple(kept)


def sources_of(root: Path, preset: str, directories: Sequence[str]) -> List[Source]:
    """The sources of these directories that the build compiles, each once, even if several programs have
    it."""
    entries = json.loads((root / "build" / preset / "compile_commands.json").read_text(encoding="utf-8"))
    found: Dict[Path, Source] = {}
    for entry in entries:
        path = Path(entry["file"])
        if path.suffix == ".cpp" and path.name not in LEFT_OUT:
            command = tuple(shlex.split(entry["command"]))
            if preset == KERNEL[0]:
                command = without_precompiled(command)
            found.setdefault(path, Source(path, entry["directory"], command))
    return [found[path] for name in directories for path in sorted(found) if (root / name) in path.parents]


def sources() -> List[Source]:
    """Every source, and how it is compiled."""
    scripts = [
        Source(ROOT / name, str(ROOT), (*OPTIONS_OF_SCRIPTS, "-c", str(ROOT / name))) for name in SCRIPTS
    ]
    return [*sources_of(ROOT, *HOST), *scripts, *sources_of(ROOT, *KERNEL)]


class Inputs:
    """What the findings in sources depend on. Reads each file once."""

    def __init__(self, common: Sequence[str]) -> None:
        """`common` is what all sources depend on."""
        self._common = hashlib.sha256("\0".join(common).encode()).hexdigest()
        self._digests: Dict[Path, str] = {}
        self._includes: Dict[Path, List[str]] = {}
        self._lock = Lock()

    def _read(self, path: Path) -> None:
        if path not in self._digests:
            text = path.read_text(encoding="utf-8")
            self._digests[path] = hashlib.sha256(text.encode()).hexdigest()
            self._includes[path] = INCLUDE.findall(text)

    def files_of(self, source: Source) -> List[Path]:
        """The source and the headers that it includes, directly or not, except for those of the system. An
        include counts even where the preprocessor skips it."""
        ways = [Path(option[2:]) for option in source.command if option.startswith("-I")]
        found: Set[Path] = set()
        pending = [source.path]
        while pending:
            path = pending.pop()
            if path not in found:
                found.add(path)
                self._read(path)
                names = self._includes[path]
                pending += [way / name for name in names for way in ways if (way / name).is_file()]
        return sorted(found)

    def stamp_of(self, source: Source) -> str:
        """The name of the file that says that a source passed. It is another one after any change."""
        with self._lock:
            files = [f"{path} {self._digests[path]}" for path in self.files_of(source)]
        return hashlib.sha256("\0".join((self._common, *source.command, *files)).encode()).hexdigest()


def common_inputs() -> List[str]:
    """What the findings in all sources depend on: the version of clang-tidy, the checks, this program."""
    version = subprocess.run([CLANG_TIDY, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    files = (ROOT / ".clang-tidy", *sorted((ROOT / "tests").rglob(".clang-tidy")), Path(__file__))
    return [version, *(file.read_text(encoding="utf-8") for file in files)]


def findings(source: Source) -> str:
    """What clang-tidy says of a source; nothing when it is fine."""
    done = subprocess.run(
        [CLANG_TIDY, "-p", str(STATE), "--quiet", str(source.path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + (done.stderr if done.returncode != 0 else "")


def look_at(source: Source, inputs: Inputs) -> str:
    """As findings(), but only if the source has not passed before."""
    stamp = PASSED / inputs.stamp_of(source)
    if stamp.is_file():
        return ""
    found = findings(source).strip()
    if not found:
        stamp.touch()
    return found


def main() -> int:
    """Looks at as many sources at a time as there are CPUs."""
    chosen = sources()
    PASSED.mkdir(parents=True, exist_ok=True)
    database = [
        {"file": str(source.path), "directory": source.directory, "arguments": source.command}
        for source in chosen
    ]
    (STATE / "compile_commands.json").write_text(json.dumps(database), encoding="utf-8")
    inputs = Inputs(common_inputs())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(lambda source: look_at(source, inputs), chosen) if text]
    print("\n".join(found) or f"{len(chosen)} sources, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy with the checks of .clang-tidy over every C++ source of the tree, and through these over
the headers: the kernel and its self-tests as the preset no-local-percpu compiles them, the host tests and
fuzzers as the preset host does, the programs in scripts, and what is otherwise with a mode in line as
only-fixup does. Exit code 0: nothing was found.

Most of the time goes into the headers of the library, at which clang-tidy looks once per run. So one run
analyzes several sources of a folder, included by a generated one. Where they do not compile together,
because they give one name to different things, and where something is found, each half is analyzed by
itself, down to single sources. What is reported was always found in a source alone.

Sources that passed are not looked at again until one of them changes, or a header of the tree that they
include, their options, the checks or this program. build/clang-tidy/passed has an empty file for all that
passed, called by the hash of all these. Headers of the system are not hashed: after an update of theirs,
remove that directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
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
HOST = ("host", ("tests/host", "tests/fuzz", "tests/trees"))
KERNEL = ("no-local-percpu", ("tests/kernel", "tests/bench", "mm", "kernel", "arch", "boot"))
# What builds of one mode of the this_cpu operations compile otherwise.
IN_LINE = ("only-fixup", ("tests/kernel/percpu", "arch/arm64/percpu_modes", "arch/arm64/traps"))
# Compiled to assembly, with options that clang-tidy does not know.
LEFT_OUT = ("asm_offsets.cpp",)
# No preset compiles these as it is. scripts/frontdoor/layout.py and the generated mutants do, with options
# like these.
SCRIPTS = ("scripts/print_layout.cpp", "tests/mutants/runtime/reach.cpp")
OPTIONS_OF_SCRIPTS = (
    *("clang++-19", "-std=c++23", "-DPERCIVAL_GRANULE_KIB=4", "-DPERCIVAL_VA_BITS=48", f"-I{ROOT}"),
    *("-Wall", "-Wextra"),
)
MAX_BATCH = 8
# HeaderFilterRegex of .clang-tidy, with the sources that a generated one includes.
SOURCES_AND_HEADERS = r"(arch|boot|kernel|mm|tests)/.*\.[ch]pp$"
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A source, and how it is compiled: in which directory, by which command without its name."""

    path: Path
    directory: str
    options: Tuple[str, ...]


Batch = Sequence[Source]


def options_of(command: Sequence[str], keeps_precompiled: bool) -> Tuple[str, ...]:
    """The options of a command that compiles a source. clang-tidy looks at all of a precompiled header, so
    the few headers that a source of the kernel includes itself take less time. A host test includes
    GoogleTest, and through it most of what is precompiled."""
    kept: List[str] = []
    words = list(command[:-1])
    while words:
        if words[0] == "-o":
            del words[:2]
        elif words[0] == "-c":
            del words[0]
        elif words[:2] in (["-Xclang", "-include-pch"], ["-Xclang", "-include"]) and not keeps_precompiled:
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
            options = options_of(shlex.split(entry["command"]), preset == HOST[0])
            found.setdefault(path, Source(path, entry["directory"], options))
    return [found[path] for name in directories for path in sorted(found) if (root / name) in path.parents]


def sources() -> List[Source]:
    """Every source, and how it is compiled."""
    scripts = [Source(ROOT / name, str(ROOT), OPTIONS_OF_SCRIPTS) for name in SCRIPTS]
    return [*sources_of(ROOT, *HOST), *scripts, *sources_of(ROOT, *KERNEL), *sources_of(ROOT, *IN_LINE)]


def batches_of(chosen: Sequence[Source]) -> List[Batch]:
    """The sources in batches of one folder, compiled with the same options."""
    groups: Dict[Tuple[Path, Tuple[str, ...]], List[Source]] = {}
    for source in chosen:
        groups.setdefault((source.path.parent, source.options), []).append(source)
    return [
        group[start : start + MAX_BATCH]
        for group in groups.values()
        for start in range(0, len(group), MAX_BATCH)
    ]


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
        ways = [Path(option[2:]) for option in source.options if option.startswith("-I")]
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

    def stamp_of(self, batch: Batch) -> str:
        """The name of the file that says that a batch passed. It is another one after any change."""
        parts = [self._common]
        with self._lock:
            for source in batch:
                parts += source.options
                parts += (f"{path} {self._digests[path]}" for path in self.files_of(source))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def common_inputs() -> List[str]:
    """What the findings in all sources depend on: the version of clang-tidy, the checks, this program."""
    version = subprocess.run([CLANG_TIDY, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    files = (ROOT / ".clang-tidy", *sorted((ROOT / "tests").rglob(".clang-tidy")), Path(__file__))
    return [version, *(file.read_text(encoding="utf-8") for file in files)]


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def nearest_configuration(root: Path, source: Path) -> Path:
    """The .clang-tidy that holds for a source."""
    folders = (folder for folder in source.parents if folder == root or root in folder.parents)
    return next(file for file in (folder / ".clang-tidy" for folder in folders) if file.is_file())


def findings(batch: Batch) -> str:
    """What clang-tidy says of a batch, or the compiler of sources that do not compile together; nothing when
    all are fine."""
    first = batch[0]
    options = first.options
    with tempfile.TemporaryDirectory(dir=STATE) as name:
        file = first.path
        asked: Tuple[str, ...] = ()
        if len(batch) > 1:
            file = Path(name) / "together.cpp"
            file.write_text("".join(f'#include "{source.path}"\n' for source in batch), encoding="utf-8")
            # A name may hide one of another source, and a macro may have been one of another source.
            options = (*options, "-Wno-shadow", "-Wno-macro-redefined")
            compiled = _run([*options, "-fsyntax-only", str(file)])
            if compiled.returncode != 0:
                return compiled.stderr
            # Inherits, where it does, from the one of the root, as the original does.
            shutil.copy(nearest_configuration(ROOT, first.path), name)
            asked = (f"--header-filter={SOURCES_AND_HEADERS}", "--checks=-bugprone-suspicious-include")
        entry = {"file": str(file), "directory": first.directory, "arguments": [*options, str(file)]}
        (Path(name) / "compile_commands.json").write_text(json.dumps([entry]), encoding="utf-8")
        done = _run([CLANG_TIDY, "-p", name, "--quiet", *asked, str(file)])
        return done.stdout + (done.stderr if done.returncode != 0 else "")


def look_at(batch: Batch, inputs: Inputs) -> List[str]:
    """What is found in each source of a batch that has not passed before."""
    stamp = PASSED / inputs.stamp_of(batch)
    if stamp.is_file():
        return []
    text = findings(batch).strip()
    found = [text] if text else []
    if text and len(batch) > 1:
        middle = len(batch) // 2
        found = [*look_at(batch[:middle], inputs), *look_at(batch[middle:], inputs)]
    if not found:
        stamp.touch()
    return found


def main() -> int:
    """Looks at as many batches at a time as there are CPUs."""
    chosen = sources()
    PASSED.mkdir(parents=True, exist_ok=True)
    inputs = Inputs(common_inputs())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [
            text
            for texts in pool.map(lambda batch: look_at(batch, inputs), batches_of(chosen))
            for text in texts
        ]
    print("\n".join(found) or f"{len(chosen)} sources, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

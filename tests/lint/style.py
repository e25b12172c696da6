#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the style of the code: widths, casts, clang-format, black, and the types of the Python.

Nothing is wider than 110 columns; tables and addresses of web pages are excepted. In the kernel a comment
with `SAFETY:` says of each `reinterpret_cast` why it is right: on its line or at most six lines above it. No
header of the kernel defines data that is read-only after init: linker/ro_after_init.hpp says why. No source
of the kernel takes the time at which it is compiled: the same tree makes the same Image.
Exit code 0: nothing was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
MAX_COLUMNS = 110
PYTHON_FOLDERS = (
    *("scripts", "scripts/frontdoor", "tests/bench", "tests/boot", "tests/boot/frontdoor", "tests/host/lib"),
    *("tests/lint", "tests/model", "tests/mutants", "tests/trees"),
)
BY_TOOLS = ("tests/bench/reference.json", "package-lock.json")
MAX_LINES_TO_SAFETY = 6
DATA_OF_INIT = "PERCIVAL_RO_AFTER_INIT"
CORE = ("arch/", "boot/", "kernel/", "mm/")
IN_IMAGE = (*CORE, "cmake/", "linker/", "tests/bench/", "tests/kernel/")
TIMES = ("__DATE__", "__TIME__", "__TIMESTAMP__")
CPP = (".cpp", ".hpp", ".h")
WRITTEN = (*CPP, ".S", ".py", ".md", ".cmake", ".txt", ".pml", ".json", "percival", ".ci/run")


def tracked(root: Path) -> List[str]:
    """The files that git tracks."""
    done = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (root / name).is_file()]


def is_excepted(line: str) -> bool:
    """Rows of tables and lines with the address of a web page."""
    return line.lstrip().startswith("|") or "http://" in line or "https://" in line


def too_wide(text: str) -> Iterator[int]:
    """The numbers of the lines that are too wide."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_COLUMNS and not is_excepted(line):
            yield number


def check_widths(root: Path, names: Sequence[str]) -> List[str]:
    """Lines that are too wide, of text that people write."""
    return [
        f"{name}:{number}: wider than {MAX_COLUMNS} columns"
        for name in names
        if name.endswith(WRITTEN) and not name.endswith(BY_TOOLS)
        for number in too_wide((root / name).read_text(encoding="utf-8"))
    ]


def unexplained_casts(text: str) -> Iterator[int]:
    """The numbers of the lines with a reinterpret_cast, in macros too, that no `SAFETY:` explains."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        explained = any(
            "SAFETY:" in near for near in lines[max(0, number - 1 - MAX_LINES_TO_SAFETY) : number]
        )
        if "reinterpret_cast" in line.partition("//")[0] and not explained:
            yield number


def check_casts(root: Path, names: Sequence[str]) -> List[str]:
    """Casts in the kernel that no comment explains."""
    return [
        f"{name}:{number}: a reinterpret_cast without a SAFETY: comment"
        for name in names
        if name.startswith(CORE) and name.endswith(CPP)
        for number in unexplained_casts((root / name).read_text(encoding="utf-8"))
    ]


def check_data_of_init(root: Path, names: Sequence[str]) -> List[str]:
    """Headers that define data which is read-only after init."""
    return [
        f"{name}:{number}: {DATA_OF_INIT} in a header"
        for name in names
        if name.startswith(CORE) and name.endswith((".hpp", ".h"))
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1)
        if DATA_OF_INIT in line.partition("//")[0]
    ]


def check_times(root: Path, names: Sequence[str]) -> List[str]:
    """Sources of the Image that take the time of the build."""
    return [
        f"{name}:{number}: {time} makes another Image each time"
        for name in names
        if name.startswith(IN_IMAGE) and name.endswith((*CPP, ".S"))
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1)
        for time in TIMES
        if time in line.partition("//")[0]
    ]


def _complaints(command: Sequence[str], environment: Optional[Dict[str, str]] = None) -> List[str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line] if done.returncode != 0 else []


def check_layout(names: Sequence[str]) -> List[str]:
    """What clang-format and black would change."""
    cpp = [name for name in names if name.endswith(CPP)]
    python = [name for name in names if name.endswith(".py")]
    return [
        *_complaints(["clang-format-19", "--dry-run", "--Werror", *cpp]),
        *_complaints(["black", "--quiet", "--check", "--diff", "--line-length", str(MAX_COLUMNS), *python]),
    ]


def check_types() -> List[str]:
    """What mypy finds in the Python of each folder, but for the commands of gdb, which import its module."""
    environment = {**os.environ, "MYPYPATH": ":".join(PYTHON_FOLDERS)}
    found: List[str] = []
    for folder in PYTHON_FOLDERS:
        files = [str(path.relative_to(ROOT)) for path in sorted((ROOT / folder).glob("*.py"))]
        found += _complaints(["mypy", "--strict", *files], environment)
    return found


def main() -> int:
    """Prints what was found."""
    names = tracked(ROOT)
    found = [
        *check_widths(ROOT, names),
        *check_casts(ROOT, names),
        *check_data_of_init(ROOT, names),
        *check_times(ROOT, names),
        *check_layout(names),
        *check_types(),
    ]
    print("\n".join(found) or "nothing to find")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy with the checks of .clang-tidy over every C++ source of the kernel and its self-tests, and
through these over the headers. Exit code 0: nothing was found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
# This preset precompiles no header of the kernel: clang-tidy finds nothing in precompiled headers.
BUILD = ROOT / "build" / "no-local-percpu"
DIRECTORIES = tuple(ROOT / name for name in ("arch", "boot", "kernel", "mm", "tests"))
# Compiled to assembly, with options that clang-tidy does not know.
LEFT_OUT = ("asm_offsets.cpp",)


def sources() -> List[Path]:
    """The sources of these directories that the build compiles."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    files = {Path(command["file"]) for command in commands if command["file"].endswith(".cpp")}
    return sorted(
        file
        for file in files
        if file.name not in LEFT_OUT and any(directory in file.parents for directory in DIRECTORIES)
    )


def findings(source: Path) -> str:
    """What clang-tidy says of a source; nothing when it is fine."""
    done = subprocess.run(
        ["clang-tidy-19", "-p", str(BUILD), "--quiet", str(source)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + (done.stderr if done.returncode != 0 else "")


def main() -> int:
    """Looks at as many sources at a time as there are CPUs."""
    chosen = sources()
    if not chosen:
        print(f"{BUILD} compiles nothing of the kernel")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(findings, chosen) if text.strip()]
    print("\n".join(found) or f"{len(chosen)} sources, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

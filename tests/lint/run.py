# SPDX-License-Identifier: BSD-2-Clause
"""Runs clang-tidy with the checks of .clang-tidy over the sources of mm/ and, through them, the headers they include:
page tables, address space and allocators. The other directories would take several times as long, mostly over the same
headers. Exit code 0: nothing was found.
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
BUILD = ROOT / "build" / "no-local-percpu"  # in precompiled headers nothing would be found, and this has none of ours
DIRECTORY = ROOT / "mm"


def sources() -> List[Path]:
    """The sources of the directory that the build compiles."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    return sorted({Path(command["file"]) for command in commands if DIRECTORY in Path(command["file"]).parents})


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
        print(f"{BUILD} compiles nothing of {DIRECTORY}")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(findings, chosen) if text.strip()]
    print("\n".join(found) or f"{len(chosen)} sources, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

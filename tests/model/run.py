#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a Spin model exhaustively: `run.py MODEL.pml [--broken NAME]`.

Exit code 0: no state violates an assertion or is a deadlock. With --broken, which leaves one thing out of
the model, exit code 0 means that there is such a state. Exit code 77: Spin is not installed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Sequence

COMPILERS = ("clang-19", "cc")
TIMEOUT_S = 120
SKIPPED = 77


def _run(command: Sequence[str], where: str) -> str:
    done = subprocess.run(
        command,
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def _search(model: Path, broken: str) -> str:
    """Runs the verifier that Spin generates from the model, and returns its output."""
    compiler = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if compiler is None:
        raise SystemExit("no C compiler")
    with tempfile.TemporaryDirectory() as where:
        _run(["spin", *([f"-D{broken}"] if broken else []), "-a", str(model.resolve())], where)
        _run([compiler, "-w", "-O2", "-DSAFETY", "-o", "pan", "pan.c"], where)
        return _run(["./pan", "-m100000"], where)


def main() -> int:
    """Runs the check that the module describes, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--broken", default="", metavar="NAME")
    arguments = parser.parse_args()
    if shutil.which("spin") is None:
        print("spin is not installed: ./percival setup")
        return SKIPPED
    output = _search(arguments.model, arguments.broken)
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if errors is None or states is None or "max search depth too small" in output:
        print(output)
        return 1
    name = f"{arguments.model.stem}{' without ' + arguments.broken if arguments.broken else ''}"
    print(f"{name}: {states[1]} states, {errors[1]} errors")
    as_expected = (int(errors[1]) != 0) == bool(arguments.broken)
    if not as_expected:
        print(output)
    return 0 if as_expected else 1


if __name__ == "__main__":
    sys.exit(main())

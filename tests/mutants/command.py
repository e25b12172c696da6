# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command for a judge of mutants, behind everything else that the machine has to do."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Optional, Sequence, Tuple

BEHIND_ALL = ("nice", "-n", "19")
# Begins the command line of a mutated program: it ends with its judge and leaves no core. Limits follow.
LIMITED = ("setpriv", "--pdeathsig", "KILL", *BEHIND_ALL, "prlimit", "--core=0")


def run(command: Sequence[str], directory: Path, timeout_s: Optional[float] = None) -> Tuple[int, str]:
    """Exit code and output; -1 when the time was up, which for a test counts as failed."""
    try:
        done = subprocess.run(
            [*BEHIND_ALL, *command],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "timeout"
    return done.returncode, done.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""Shared by the front door's tests: its path, and a small tree with a shell script as QEMU, so that the tests
need neither kernel nor emulator. Importing this module makes `frontdoor` importable.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "boot")]

PRESETS = '{"configurePresets": [{"name": "base", "hidden": true}, {"name": "4k-48"}, {"name": "host"}]}'

# Writes down its arguments and process id, then runs the shell text in FAKE_QEMU as the machine.
FAKE_QEMU = """#!/bin/sh
case "$*" in
*--version*) echo "QEMU emulator version ${FAKE_QEMU_VERSION:-10.0.2}"; exit 0 ;;
*"-cpu help"*) echo 'Available CPUs:'; printf '  %s\\n' max neoverse-n1 cortex-a53 cortex-a72; exit 0 ;;
*"-machine help"*) echo 'Supported machines are:'; printf '%s  a machine\\n' $FAKE_QEMU_MACHINES; exit 0 ;;
esac
printf '%s\\n' "$@" > "$FAKE_QEMU_STATE/arguments"
echo $$ > "$FAKE_QEMU_STATE/pid"
eval "$FAKE_QEMU"
"""

MACHINES = "virt virt-10.0 sbsa-ref raspi3b imx8mp-evk xlnx-versal-virt"
PASSED = "echo 'percival: verdict: passed'; exit 0"
HANGING = "echo booting; exec sleep 1000"


def alive(pid: int) -> bool:
    """Returns whether the process runs. A zombie does not."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def eventually(condition: "Any", seconds: float = 20.0) -> bool:
    """Waits until the condition holds, at most for that time; returns whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class TreeTestCase(unittest.TestCase):
    """A test with a tree of its own: the front door, presets, a built "kernel", and a fake QEMU on PATH."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="percival-test-")
        self.addCleanup(holder.cleanup)
        self.tree = Path(holder.name) / "tree"
        self.state = Path(holder.name) / "state"
        tools = Path(holder.name) / "bin"
        for directory in (self.tree / "build" / "4k-48", self.state, tools):
            directory.mkdir(parents=True)
        shutil.copy(ROOT / "percival", self.tree)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "scripts" / "frontdoor", self.tree / "scripts" / "frontdoor", ignore=ignore)
        (self.tree / "CMakePresets.json").write_text(PRESETS)
        (self.tree / "build" / "4k-48" / "Image").write_bytes(b"")
        (tools / "qemu-system-aarch64").write_text(FAKE_QEMU)
        (tools / "qemu-system-aarch64").chmod(0o755)
        self.environment: Dict[str, str] = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "FAKE_QEMU_STATE": str(self.state),
            "FAKE_QEMU_MACHINES": MACHINES,
        }

    def start(self, *arguments: str, qemu: str = PASSED, **settings: Any) -> "subprocess.Popen[str]":
        """Starts percival in the tree. `qemu` is the shell text that the fake QEMU runs."""
        return subprocess.Popen(
            [str(settings.pop("program", self.tree / "percival")), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**self.environment, "FAKE_QEMU": qemu, **settings.pop("env", {})},
            **settings,
        )

    def run_percival(
        self, *arguments: str, qemu: str = PASSED, **settings: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Runs percival in the tree until it ends."""
        with self.start(*arguments, qemu=qemu, **settings) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def qemu_pid(self) -> Optional[int]:
        """Returns the process id of the fake QEMU, or None if it was not started."""
        path = self.state / "pid"
        text = path.read_text().strip() if path.exists() else ""
        return int(text) if text else None

    def qemu_arguments(self) -> List[str]:
        """Returns the arguments of the fake QEMU."""
        return (self.state / "arguments").read_text().splitlines()

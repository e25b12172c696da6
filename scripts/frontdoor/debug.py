# SPDX-License-Identifier: BSD-2-Clause
"""`percival debug`: gdb on the kernel, stopped at its first line in its own address space."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Sequence

from frontdoor import boot, console, qemu
from frontdoor.errors import Unavailable
from frontdoor.paths import ROOT, elf, image

GDB = "gdb-multiarch"
FIRST_LINE = "kernel_main"
COMMANDS = ROOT / "scripts" / "gdb" / "percival.py"
STUB_TIMEOUT_S = 20.0


def gdb_command(kernel: Path, stub: Path, arguments: Sequence[str]) -> List[str]:
    """gdb with the kernel's symbols and the commands of scripts/gdb, running up to the first line. The
    breakpoint is a hardware one: the address it lies at is not mapped yet when it is set."""
    commands = [f"source {COMMANDS}", f"target extended-remote {stub}", f"thbreak {FIRST_LINE}", "continue"]
    preset = [word for command in commands for word in ("-ex", command)]
    # In the extended protocol, and not told that it was attached, gdb ends the machine when it ends;
    # otherwise it would let the kernel run on.
    settings = ["set confirm off", "set pagination off", "set remote query-attached-packet off"]
    early = [word for setting in (*settings, f"directory {ROOT}") for word in ("-iex", setting)]
    return [GDB, "-q", *early, str(kernel), *preset, *arguments]


def _wait_for(stub: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STUB_TIMEOUT_S
    while not stub.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable("QEMU did not open its gdb stub")
        time.sleep(0.02)


@contextlib.contextmanager
def _ctrl_c_is_gdbs() -> Iterator[None]:
    """While gdb runs, Ctrl-C stops the kernel in gdb instead of ending the front door. (A handler, and not
    SIG_IGN, because gdb would inherit that.)"""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def debug(run: boot.Run, arguments: Sequence[str], *, may_build: bool) -> int:
    """The command; returns gdb's exit code. QEMU ends with gdb. The stub is a socket in a private
    directory: it meets no other stub, and nobody else can reach it."""
    boot.prepare(run, may_build=may_build)
    with tempfile.TemporaryDirectory(prefix="percival-") as name:
        stub = Path(name) / "gdb"
        gdb = f"unix:{stub},server=on,wait=off"
        command = qemu.command(run.machine, image(run.preset), run.append, gdb=gdb, extra=run.extra)
        with console.started(command) as process:
            _wait_for(stub, process)
            with _ctrl_c_is_gdbs():
                return subprocess.run(gdb_command(elf(run.preset), stub, arguments), check=False).returncode

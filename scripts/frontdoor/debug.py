# SPDX-License-Identifier: BSD-2-Clause
"""`percival debug`: starts gdb on the kernel, stopped at its first line in its own address space."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Sequence

from frontdoor import boot, console
from frontdoor.errors import Unavailable
from frontdoor.paths import ROOT, elf

GDB = "gdb-multiarch"
FIRST_LINE = "kernel_main"
COMMANDS = ROOT / "scripts" / "gdb" / "percival.py"
STUB_TIMEOUT_S = 20.0


def gdb_command(kernel: Path, stub: Path, arguments: Sequence[str]) -> List[str]:
    """Returns the command line of gdb. It loads the kernel's symbols and the commands of scripts/gdb, and
    runs to FIRST_LINE. The breakpoint is a hardware one, because its address is not mapped yet when it is
    set."""
    commands = [f"source {COMMANDS}", f"target extended-remote {stub}", f"thbreak {FIRST_LINE}", "continue"]
    preset = [word for command in commands for word in ("-ex", command)]
    # gdb ends the machine when it exits if it uses the extended protocol and does not learn that it was
    # attached. Otherwise it would let the kernel run on.
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
def _leave_ctrl_c_to_gdb() -> Iterator[None]:
    """Leaves Ctrl-C to gdb, where it stops the kernel, instead of ending the front door. It installs a
    handler rather than SIG_IGN, because gdb would inherit the latter."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def debug(run: boot.Run, arguments: Sequence[str], *, may_build: bool) -> int:
    """Runs the command and returns gdb's exit code. QEMU ends with gdb. The stub is a socket in a private
    directory, so it collides with no other stub and no other user can reach it."""
    boot.prepare(run, may_build=may_build)
    with tempfile.TemporaryDirectory(prefix="percival-") as name:
        stub = Path(name) / "gdb"
        gdb = f"unix:{stub},server=on,wait=off"
        with run.command(gdb) as command, console.started(command) as process:
            _wait_for(stub, process)
            with _leave_ctrl_c_to_gdb():
                return subprocess.run(gdb_command(elf(run.preset), stub, arguments), check=False).returncode

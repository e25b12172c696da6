# SPDX-License-Identifier: BSD-2-Clause
"""Boots a row of the boot matrix with an Image of the caller's, and ends QEMU as soon as the result is
certain. QEMU is limited by the CPU time that it takes, so a busy machine makes no verdict.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / directory) for directory in ("scripts", "tests/boot")]

from checks import wrong  # noqa: E402
from command import LIMITED  # noqa: E402
from frontdoor.boot import Run  # noqa: E402
from frontdoor.machine import Machine, kernel_arguments  # noqa: E402
from frontdoor.verdict import Verdict, decide, parse_line  # noqa: E402
from idle import Idleness, sample  # noqa: E402
from row import Row  # noqa: E402
from trees import prepare  # noqa: E402

LOOK_EVERY_S = 5
RAM = re.compile(r"memory-backend-ram,(id=\w+,size=\w+)")
FAILED = re.compile(r"\s*not ok \d|panic: |# hang: ")

Observer = Callable[[str, "Running"], None]


class Running:
    """A machine that runs, or has run."""

    def __init__(self, process: "subprocess.Popen[bytes]", memories: List[Path]) -> None:
        self.process = process
        self.memories = memories

    @property
    def has_ended(self) -> bool:
        """Whether QEMU has ended."""
        return self.process.returncode is not None

    @property
    def cpu_s(self) -> float:
        """The CPU time that QEMU has taken. It must not have ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Certain(Exception):
    """The result is certain before the end."""


@contextmanager
def _started(command: List[str], limit_s: int) -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen(
        [*LIMITED, f"--cpu={limit_s}", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """Yields the lines of a machine's console until it ends. Raises _Certain if it sleeps for ever."""
    assert process.stdout is not None
    pipe, partial = process.stdout.fileno(), b""
    idleness = Idleness(lambda: sample(process.pid))
    while True:
        if not select.select([pipe], [], [], LOOK_EVERY_S)[0]:
            if idleness.lasts():
                raise _Certain("it sleeps for ever")
            continue
        chunk = os.read(pipe, 65536)
        if not chunk:
            break
        *lines, partial = (partial + chunk.replace(b"\r", b"")).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if partial:
        yield partial.decode(errors="replace")


def with_files(command: List[str], room: Path) -> "tuple[List[str], List[Path]]":
    """Returns QEMU's command line with files as the machine's memory, and the files."""
    memories: List[Path] = []

    def of_file(match: "re.Match[str]") -> str:
        memories.append(room / f"memory{len(memories)}")
        return f"memory-backend-file,{match[1]},mem-path={memories[-1]},share=on"

    return [RAM.sub(of_file, word) for word in command], memories


def problems(
    row: Row, image: Path, *, limit_s: int, observe: Optional[Observer] = None, keep_memory: bool = False
) -> List[str]:
    """Boots the row and returns what is wrong. `limit_s` is the CPU time that QEMU may take. An observer sees
    every line; with `keep_memory`, it also sees the machine's memory as files. It is called once more, with
    an empty line, when QEMU has ended."""
    with tempfile.TemporaryDirectory(prefix="percival-boot-", dir="/dev/shm") as name:
        room = Path(name)
        setup = prepare(row, room, image)
        machine = Machine(row.cpus, row.cpu, row.memory, row.machine, row.icount)
        more = (*row.qemu, *setup.qemu)
        run = Run(machine, row.preset, (row.append,), more=more, loader=row.loader or None)
        with run.command(kernel=image) as command:
            command, memories = with_files(command, room) if keep_memory else (command, [])
            lines: List[str] = []
            with _started(command, limit_s) as process:
                running = Running(process, memories)
                try:
                    for line in _lines(process):
                        lines.append(line)
                        if observe is not None:
                            observe(line, running)
                        elif row.exit_code == 0 and FAILED.match(line):
                            raise _Certain(line)
                    code = process.wait()
                except _Certain as result:
                    return [str(result)]
                if code < 0:
                    return [f"it was ended by {signal.Signals(-code).name}, after {limit_s} s of CPU time"]
                if observe is not None:
                    observe("", running)
            return _wrong(row, code, lines) + setup.afterwards()


def _wrong(row: Row, code: int, lines: List[str]) -> List[str]:
    """What is wrong with the end of a run and its console. `code` is QEMU's own."""
    stated = [verdict for verdict in map(parse_line, lines) if isinstance(verdict, Verdict)]
    semihosting = "verdict=semihosting" in kernel_arguments((row.append,)).split()
    decision = decide(code, stated[-1] if stated else None, semihosting)
    return wrong(row, decision.exit_code, lines)

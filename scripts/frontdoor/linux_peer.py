# SPDX-License-Identifier: BSD-2-Clause
"""Measures Linux: builds the module of tests/bench/linux_peer for the kernels that Debian packages, boots
them on the machine on which Percival is measured, and reads the results.

Linux's first files are the module and a program that loads it. The machine has one CPU, because INST_RETIRED
counts all CPUs together under icount. Nothing in it is random, so a kernel gives the same results each time.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from frontdoor import console, cpio, linux_packages, qemu, setup
from frontdoor.bench_rows import Row, parse_line
from frontdoor.console_line import kernel_text
from frontdoor.errors import BuildFailed, IoFailed, Unavailable
from frontdoor.linux_packages import Kernel
from frontdoor.machine import Machine
from frontdoor.machine_options import BENCH_CPU
from frontdoor.paths import BUILD, LOGS, ROOT
from frontdoor.progress import run_tool, say
from frontdoor.requirements import Requirement

SOURCE = ROOT / "tests" / "bench" / "linux_peer"
BUILT = BUILD / "linux-peer"
CROSS = "aarch64-linux-gnu-"
# The release's compiler, which is the one of its kernels.
NEEDS = (
    Requirement("gcc-aarch64-linux-gnu", "modules for Linux", (f"{CROSS}gcc", f"{CROSS}strip")),
    Requirement("make", "modules for Linux", ("make",)),
)

MACHINE = Machine(cpus=1, cpu=BENCH_CPU, machine="virt,dtb-randomness=off", icount=True)
NOT_RANDOM = ("-seed", "1", "-rtc", "base=2026-01-01,clock=vm")
# Linux's own driver would take the counter away, and Percival does not clear each page that it allocates.
ARGUMENTS = "console=ttyAMA0 initcall_blacklist=armv8_pmu_driver_init init_on_alloc=0 panic=-1"
TIMEOUT_S = 900.0

_KIND = re.compile(r"peer: Linux \S+, (preemptible|voluntary)")
_END = "peer: measured"


@dataclass(frozen=True)
class PeerRun:
    """What a kernel of Linux measured. `preemptible` is what it says of itself."""

    release: str
    preemptible: bool
    rows: List[Row]


def read(release: str, lines: List[str]) -> Optional[PeerRun]:
    """Returns what a console shows, or None if it does not show the end of the measurements."""
    texts = [kernel_text(line) for line in lines]
    kinds = [match[1] for match in map(_KIND.fullmatch, texts) if match]
    if not kinds or _END not in texts:
        return None
    rows = [row for row in map(parse_line, lines) if row is not None]
    return PeerRun(release, kinds[0] == "preemptible", rows)


def _initrd(kernel: Kernel) -> Path:
    return BUILT / kernel.release / "initrd"


def make_command(kernel: Kernel, directory: Path) -> List[str]:
    """Returns the command that builds the module in that directory. Without the kernel's debug information
    there are no types to check the module's against."""
    return [
        *("make", "-C", str(kernel.headers), "-f", str(kernel.makefile), f"M={directory}"),
        *("ARCH=arm64", f"CROSS_COMPILE={CROSS}", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"),
    ]


def _build(kernel: Kernel) -> None:
    """Builds the module, the program that loads it, and the archive of both. Raises BuildFailed."""
    directory = BUILT / kernel.release
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for file in ("Kbuild", "peer.c"):
        shutil.copy(SOURCE / file, directory)
    program = ("-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-Wl,--build-id=none")
    for command in (
        make_command(kernel, directory),
        [f"{CROSS}strip", "-g", "-o", str(directory / "stripped.ko"), str(directory / "peer.ko")],
        [f"{CROSS}gcc", "-O2", *program, "-o", str(directory / "init"), str(SOURCE / "init.c")],
    ):
        if run_tool(f"building the module for Linux {kernel.release}", command, LOGS / "linux-peer.log") != 0:
            raise BuildFailed(f"the module for Linux {kernel.release} could not be built")
    files = [
        cpio.directory("dev"),
        cpio.character_device("dev/console", 5, 1),
        cpio.file("init", (directory / "init").read_bytes(), 0o755),
        cpio.file("peer.ko", (directory / "stripped.ko").read_bytes()),
    ]
    _initrd(kernel).write_bytes(cpio.archive(files))


def command(kernel: Kernel) -> List[str]:
    """Returns QEMU's command line."""
    loaded = ("-kernel", str(kernel.image), "-initrd", str(_initrd(kernel)), "-append", ARGUMENTS)
    return qemu.command(MACHINE, loaded, extra=NOT_RANDOM)


def _boot(kernel: Kernel) -> PeerRun:
    lines: List[str] = []
    say(f"booting Linux {kernel.release}")
    console.run(command(kernel), TIMEOUT_S, lines.append, echo=False)
    log = LOGS / f"linux-{kernel.release}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(lines) + "\n")
    run = read(kernel.release, lines)
    if run is None:
        raise IoFailed(f"Linux {kernel.release} did not measure; its console is in {log}")
    return run


def measure(*, may_build: bool) -> List[PeerRun]:
    """Measures every kernel. Raises Unavailable if there are none, BuildFailed if the module cannot be built,
    and IoFailed if a kernel does not measure to the end."""
    kernels = linux_packages.provide(may_fetch=may_build)
    if may_build:
        setup.provide(NEEDS)
        for kernel in kernels:
            _build(kernel)
    for kernel in kernels:
        if not _initrd(kernel).is_file():
            raise Unavailable(
                f"the module for Linux {kernel.release} is not built: leave --no-build away once"
            )
    return [_boot(kernel) for kernel in kernels]

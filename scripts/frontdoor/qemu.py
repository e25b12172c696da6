# SPDX-License-Identifier: BSD-2-Clause
"""The one place that knows how QEMU is called, for boot, debug and bench alike."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from frontdoor.errors import Unavailable, UsageError
from frontdoor.machine import Machine, kernel_arguments
from frontdoor.qemu_probe import PROGRAM, cpu_models


def check_cpu(machine: Machine) -> None:
    """Refuses a CPU model that the QEMU here does not know."""
    models = cpu_models()
    if models and machine.cpu_model not in models:
        raise UsageError(
            f"this QEMU knows no CPU '{machine.cpu_model}'; it knows: {', '.join(sorted(models))}"
        )


def _memory(machine: Machine, extra: Sequence[str]) -> List[str]:
    """Memory that the host commits only as the kernel touches it: a machine may have more than the host.
    With NUMA nodes in `extra` these bring their own."""
    if "-numa" in extra:
        return ["-machine", machine.qemu_machine, "-m", machine.memory]
    backend = f"memory-backend-ram,id=ram,size={machine.memory},reserve=off"
    return ["-object", backend, "-machine", f"{machine.qemu_machine},memory-backend=ram", "-m", machine.memory]


def command(
    machine: Machine,
    kernel: Path,
    append: Tuple[str, ...] = (),
    *,
    gdb: Optional[str] = None,
    extra: Sequence[str] = (),
) -> List[str]:
    """QEMU's command line. The console is its stdout and nothing reads its stdin. A reset ends it instead
    of booting again. With `gdb` (a -gdb value) it waits, stopped before the first instruction."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise Unavailable(f"{PROGRAM} is not installed; ./percival setup does that")
    check_cpu(machine)
    # One host thread per vCPU is what finds races; icount is deterministic because it has one for all.
    threads = ["-icount", "shift=0,sleep=off"] if machine.icount else ["-accel", "tcg,thread=multi"]
    if "-accel" in extra:
        threads = []  # there is but one
    stop = ["-gdb", gdb, "-S"] if gdb else []
    return [
        program,
        *_memory(machine, extra),
        *("-cpu", machine.qemu_cpu, "-smp", str(machine.cpus)),
        *threads,
        *("-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-kernel", str(kernel), "-append", kernel_arguments(append)),
        *stop,
        *extra,
    ]

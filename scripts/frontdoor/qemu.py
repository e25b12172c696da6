# SPDX-License-Identifier: BSD-2-Clause
"""Makes QEMU's command line, for boot, debug and bench. No other module knows QEMU's options."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import List, Optional, Sequence

from frontdoor.errors import Unavailable, UsageError
from frontdoor.machine import Machine
from frontdoor.progress import say
from frontdoor.qemu_probe import PROGRAM, QemuVersion, cpu_models, devices, installed_version, machines

# With 80 threads for each of two host CPUs all self-tests took 9 minutes, with 256 they did not end.
_MAX_THREADS_PER_HOST_CPU = 64


def check_cpu(machine: Machine) -> None:
    """Raises UsageError if the installed QEMU does not know the CPU model."""
    models = cpu_models()
    if models and machine.cpu_model not in models:
        raise UsageError(
            f"this QEMU knows no CPU '{machine.cpu_model}'; it knows: {', '.join(sorted(models))}"
        )


def check_machine(machine: Machine) -> None:
    """Raises UsageError if the installed QEMU does not know the machine."""
    if machines() and machine.name not in machines():
        version = installed_version()
        raise UsageError(
            f"QEMU {version} knows no machine '{machine.name}'; it knows: {', '.join(sorted(machines()))}"
        )


VIRTIO_MEM = "virtio-mem-pci"
VIRTIO_MEM_ID = "virtio-mem"


def check_virtio_mem(machine: Machine) -> None:
    """Raises UsageError if the machine needs a virtio-mem device and the installed QEMU has none."""
    if machine.virtio_mem and VIRTIO_MEM not in devices():
        raise UsageError(f"QEMU {installed_version()} has no device {VIRTIO_MEM}: leave out --virtio-mem")


def _virtio_mem(machine: Machine) -> List[str]:
    """Returns the options for memory that comes and goes at run time. All of it is away at first."""
    if not machine.virtio_mem:
        return []
    backend = f"memory-backend-ram,id={VIRTIO_MEM_ID}-ram,size={machine.virtio_mem},reserve=off"
    device = f"{VIRTIO_MEM},id={VIRTIO_MEM_ID},memdev={VIRTIO_MEM_ID}-ram,requested-size=0"
    return ["-object", backend, "-device", device]


def _memory(machine: Machine, extra: Sequence[str]) -> List[str]:
    """Returns the options for the machine's memory. The host commits memory only when the kernel touches
    it, so the machine may have more than the host. NUMA nodes in `extra` have their own memory."""
    if "-numa" in extra:
        return ["-machine", machine.qemu_machine, "-m", machine.qemu_memory]
    backend = f"memory-backend-ram,id=ram,size={machine.memory},reserve=off"
    machine_value = f"{machine.qemu_machine},memory-backend=ram"
    return ["-object", backend, "-machine", machine_value, "-m", machine.qemu_memory]


def _threads(machine: Machine, host_cpus: int) -> List[str]:
    """Returns the options that say which threads of the host run the vCPUs. One thread per vCPU finds races.
    One thread for all is deterministic with icount, and faster when a host CPU would have very many: then a
    broadcast TLBI waits until the host has run each of them."""
    if machine.icount:
        return ["-icount", "shift=0,sleep=off"]
    if machine.cpus > _MAX_THREADS_PER_HOST_CPU * host_cpus:
        say(f"{machine.cpus} CPUs are too many threads for {host_cpus} host CPU(s): QEMU runs them in turn")
        return ["-accel", "tcg,thread=single"]
    return ["-accel", "tcg,thread=multi"]


def _sound() -> List[str]:
    """Returns the option for no sound. The ZCU102 has a sound device, and from QEMU 8.2 on it does not start
    without a driver. Before that QEMU takes -audio only with a sound card."""
    version = installed_version()
    return ["-audio", "driver=none"] if version is not None and version >= QemuVersion(8, 2) else []


def command(
    machine: Machine,
    loaded: Sequence[str],
    *,
    port: int = 0,
    gdb: Optional[str] = None,
    extra: Sequence[str] = (),
) -> List[str]:
    """Returns QEMU's command line. `loaded` are the options that say what starts (see loaders.py). The
    console is the serial port of that number, and goes to QEMU's stdout; its stdin is not read. A reset ends
    QEMU instead of booting again. With `gdb` (a -gdb value) QEMU waits, stopped before the first
    instruction."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise Unavailable(f"{PROGRAM} is not installed; ./percival setup does that")
    check_cpu(machine)
    check_virtio_mem(machine)
    # QEMU takes only one -accel option.
    threads = [] if "-accel" in extra else _threads(machine, len(os.sched_getaffinity(0)))
    stop = ["-gdb", gdb, "-S"] if gdb else []
    return [
        program,
        *_memory(machine, extra),
        *_virtio_mem(machine),
        *("-cpu", machine.qemu_cpu, "-smp", str(machine.qemu_cpus)),
        *threads,
        *("-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot"),
        *(*("-serial", "null") * port, "-serial", "stdio"),
        *_sound(),
        *("-semihosting-config", "enable=on,target=native"),
        *loaded,
        *stop,
        *extra,
    ]


def write_tree(machine: Machine, tree: Path, *, extra: Sequence[str] = ()) -> None:
    """Writes the device tree that QEMU makes for the machine. `extra` are further options, whose devices are
    in it, too. Raises UsageError if QEMU writes none."""
    options = command(machine, ["-machine", f"dumpdtb={tree}"], extra=extra)
    done = subprocess.run(options, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise UsageError(f"QEMU writes no device tree: {done.stderr.strip()}")

# SPDX-License-Identifier: BSD-2-Clause
"""The machine to boot, as the user describes it. The constructor of Machine checks the description, so that a
wrong one is found before anything is started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

from frontdoor import boards
from frontdoor.errors import UsageError

MAX_CPUS = 512
MAX_CPUS_GICV2 = 8
VIRT = re.compile(r"virt(-\d.*)?")
MEMORY = re.compile(r"[1-9][0-9]*[MGT]")


def _gic_version(machine: str) -> str:
    """Returns the value of gic-version in a -machine value. The last one counts, as in QEMU."""
    versions: List[str] = re.findall(r",gic-version=([^,]*)", machine)
    return versions[-1] if versions else ""


@dataclass(frozen=True)
class Machine:
    """The machine to boot. `machine` and `cpu` are values of QEMU's options -machine and -cpu. With
    `virtio_mem` it has a virtio-mem device, by which its memory can grow by that size at run time."""

    cpus: int = 4
    cpu: str = "max"
    memory: str = "1G"
    machine: str = "virt"
    icount: bool = False
    virtio_mem: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.cpus <= MAX_CPUS:
            raise UsageError(f"--cpus takes 1 to {MAX_CPUS}, not {self.cpus}")
        if not MEMORY.fullmatch(self.memory):
            raise UsageError(f"--memory takes a number with a unit, such as 512M or 8G, not '{self.memory}'")
        for option, value in (("--machine", self.machine), ("--cpu", self.cpu)):
            if not value or value.startswith(("-", ",")):
                raise UsageError(f"{option} takes a value of QEMU's option of that name, not '{value}'")
        if _gic_version(self.machine) == "2" and self.cpus > MAX_CPUS_GICV2:
            raise UsageError(
                f"a GICv2 serves at most {MAX_CPUS_GICV2} CPUs, not {self.cpus}: use gic-version=3"
            )
        boards.check(self.machine, self.cpus, self.cpu, self.memory)
        self._check_virtio_mem()

    def _check_virtio_mem(self) -> None:
        if not self.virtio_mem:
            return
        if not MEMORY.fullmatch(self.virtio_mem):
            raise UsageError(
                f"--virtio-mem takes a number with a unit, such as 256M or 8G, not '{self.virtio_mem}'"
            )
        if not self.is_virt:
            raise UsageError(f"the machine {self.machine} has no place for --virtio-mem: leave out --machine")

    @property
    def name(self) -> str:
        """The machine's name without its properties."""
        return self.machine.split(",", 1)[0]

    @property
    def cpu_model(self) -> str:
        """The CPU's name without its properties."""
        return self.cpu.split(",", 1)[0]

    @property
    def is_virt(self) -> bool:
        """Whether the machine is QEMU's `virt`, of any version."""
        return VIRT.fullmatch(self.name) is not None

    @property
    def has_own_tree(self) -> bool:
        """Whether QEMU makes the machine's device tree."""
        return self.is_virt or self.name == "xlnx-versal-virt"

    @property
    def qemu_cpus(self) -> int:
        """The value of -smp: the number of CPUs, with those of other kinds than the kernel runs on."""
        board = boards.board_of(self.machine)
        return self.cpus + (board.other_cpus if board else 0)

    @property
    def qemu_machine(self) -> str:
        """The value of -machine. `virt` gets a GICv3 unless the user chose one: its default GIC serves
        only 8 CPUs."""
        lacks_gic = self.name == "virt" and not _gic_version(self.machine)
        return f"{self.machine},gic-version=3" if lacks_gic else self.machine

    @property
    def qemu_cpu(self) -> str:
        """The value of -cpu. `max` gets an implementation-defined pointer authentication, because the
        architected one takes QEMU more time than everything else."""
        return (
            f"{self.cpu},pauth-impdef=on" if self.cpu_model == "max" and "pauth" not in self.cpu else self.cpu
        )

    @property
    def qemu_memory(self) -> str:
        """The value of -m."""
        if not self.virtio_mem:
            return self.memory
        return f"{self.memory},maxmem={boards.mib(self.memory) + boards.mib(self.virtio_mem)}M"

    @property
    def default_timeout_s(self) -> int:
        """The time after which a run counts as hung: far more than a run needs, even on a busy host. Every
        CPU flushes the TLBs of all CPUs, so the time of a run with very many grows with their square: all
        self-tests took an hour on 512."""
        return (180 + 5 * self.cpus + self.cpus**2 // 40) * (2 if self.icount else 1)

    def describe(self) -> str:
        """Returns a one-line description for reports."""
        return (
            f"{self.qemu_machine}, {self.cpus} x {self.cpu}, {self.memory}"
            + (f", virtio-mem {self.virtio_mem}" if self.virtio_mem else "")
            + (", icount" if self.icount else "")
        )


def of_board(
    machine: str,
    cpus: Optional[int],
    cpu: Optional[str],
    memory: Optional[str],
    *,
    cpu_of_virt: str = Machine.cpu,
    icount: bool = False,
    virtio_mem: str = "",
) -> Machine:
    """Returns the machine of that name. What is None is the board's, or on other machines the default."""
    board = boards.board_of(machine)
    return Machine(
        cpus if cpus is not None else board.cpus if board else Machine.cpus,
        cpu if cpu is not None else board.cpu if board else cpu_of_virt,
        memory if memory is not None else board.memory if board else Machine.memory,
        machine,
        icount,
        virtio_mem,
    )


def kernel_arguments(append: Tuple[str, ...]) -> str:
    """Returns the kernel's command line. It asks for a verdict by semihosting unless the user says
    otherwise."""
    words = " ".join(append).split()
    if not any(word.startswith("verdict=") for word in words):
        words.append("verdict=semihosting")
    return " ".join(words)

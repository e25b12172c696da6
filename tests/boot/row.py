# SPDX-License-Identifier: BSD-2-Clause
"""A row of the boot matrix: one machine, and the expected result of booting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

HOST_THREADS = 8
# With more CPUs than this, waiting for all CPUs takes as long as the host needs to run each of them. The
# suites that hammer, those of threads and those that wait for workers run on fewer CPUs only.
MANY_CPUS = 16
FOR_MANY_CPUS = (
    *("roots.*", "percpu.*", "this_cpu.*", "linear_map.*", "numa.*", "ptdump.*", "vmallocinfo.*"),
    *("percpu_query.*", "percpu_wrong_free.*"),
)
TEST_TIMEOUT_S = 900

# The presets other than the default one. `max` has all the CPU features they use; neoverse-n1 has neither
# LPA2 nor LVA.
GEOMETRIES = ("4k-39", "4k-52", "16k-47", "16k-48", "16k-52", "64k-42", "64k-48", "64k-52")
# Tests that depend on where memory is, and how much. The other tests run on other machines of the same kind.
OF_MEMORY = (
    "selftest=page_*,linear_map.*,numa.*,memory_hammer.*,small_objects.*,vmalloc*,vmap.*,wide_blocks.*,"
    "roots.*,percpu.*,percpu_allocator.*,percpu_population.*,protection.*,ptdump.*"
)
# Tests that depend on how the machine is described to the kernel. The other tests run on other machines of
# the same kind.
OF_MACHINE = (
    "selftest=interrupts.*,roots.*,percpu.*,numa.*,linear_map.*,page_allocator.*,threads.*,*hotplug.*"
)


@dataclass(frozen=True)
class Row:
    """One run. `checks` are names of checks in checks.py. `shows` are patterns, each of which a line of
    the output must match. A machine with `tree` gets a device tree of the tests (trees.py) instead of
    QEMU's. A machine with a tree is entered by loader.S: with `leftovers`, junk is in every register that the
    boot protocol leaves open; with `interrupts_left`, interrupts are pending and active; with `group_1`, a
    word of private interrupts for each CPU, firmware at EL3 has left only these to the kernel. QEMU has no
    PSCI then, so the tree is that of a spin table. `damage` names what has happened to the Image (damage.py).
    `online` are the numbers of the CPUs that come up, if these are not all of QEMU's. `qemu` are arguments
    for QEMU."""

    name: str
    cpus: int = 4
    cpu: str = "max"
    gic: int = 3
    el: int = 1
    memory: str = "1G"
    icount: bool = False
    preset: str = "4k-48"
    append: str = ""
    exit_code: int = 0
    checks: Tuple[str, ...] = ("whole_report", "summary")
    shows: Tuple[str, ...] = ()
    board: str = ""
    tree: str = ""
    damage: str = ""
    image_at: int = 0
    leftovers: bool = False
    online: Tuple[int, ...] = ()
    qemu: Tuple[str, ...] = ()
    interrupts_left: bool = False
    group_1: Tuple[int, ...] = ()

    @property
    def machine(self) -> str:
        """The value of QEMU's -machine. `virt` with virtualization enters the kernel at EL2; with secure
        firmware it starts at EL3, where loader.S is the firmware."""
        if self.board:
            return self.board
        levels = {1: "", 2: ",virtualization=on", 3: ",secure=on"}
        return f"virt,gic-version={self.gic}{levels[self.el]}"

    @property
    def boot_arguments(self) -> List[str]:
        """The arguments of `percival boot`."""
        return [
            *("--cpus", str(self.cpus), "--cpu", self.cpu, "--memory", self.memory),
            *("--machine", self.machine, "--preset", self.preset),
            *(["--icount"] if self.icount else []),
            *(["--append", self.append] if self.append else []),
            *(["--append", f"selftest={','.join(FOR_MANY_CPUS)}"] if self.runs_what_many_cpus_can else []),
            *(f"--qemu-arg={argument}" for argument in self.qemu),
        ]

    @property
    def runs_what_many_cpus_can(self) -> bool:
        """Whether the row runs only the tests that take no longer with many CPUs. A row can choose other
        tests."""
        return self.cpus > MANY_CPUS and "selftest=" not in self.append

    @property
    def cpus_online(self) -> List[int]:
        """The numbers of the CPUs that must come up."""
        return list(self.online or range(self.cpus))

    @property
    def host_threads(self) -> int:
        """The number of host CPUs that the row keeps busy: one per guest CPU, but only one in all under
        icount."""
        return 1 if self.icount else min(self.cpus, HOST_THREADS)

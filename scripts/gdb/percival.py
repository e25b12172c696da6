# SPDX-License-Identifier: BSD-2-Clause
"""gdb commands for a stopped Percival in QEMU: percpu, ptwalk, roots and threads.

`./percival debug` loads them into gdb's own Python. CPU n of the kernel is gdb's thread n + 1, as QEMU
numbers them. The commands read the CPUs' registers: SP_EL0 points to the running thread, TPIDR_EL1 holds the
distance from a local percpu address to the CPU's global one (mm/percpu/area.hpp), and TTBR1_EL1 and TCR_EL1
tell where a walk begins and how many levels it has. Of a kernel at EL2 these are TPIDR_EL2, TTBR1_EL2 and
TCR_EL2.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional

import gdb

ROOTS = "'percival::mm::(anonymous namespace)::private_tables_area'"
GEOMETRY = "percival::mm::KernelGeometry"
LAYOUT = "percival::mm::KernelLayout"
QUEUES = "percival::run_queues"
LAST_LEVEL = 3
U64 = (1 << 64) - 1


def _bits(value: int, high: int, low: int) -> int:
    return value >> low & (1 << high - low + 1) - 1


def _evaluate(expression: str) -> int:
    return int(gdb.parse_and_eval(expression)) & U64


def _cpus() -> Dict[int, gdb.InferiorThread]:
    threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
    return {thread.num - 1: thread for thread in threads}


@contextlib.contextmanager
def _on(cpu: int) -> Iterator[None]:
    """Reads registers and virtual memory of `cpu` inside the with statement."""
    before, cpus = gdb.selected_thread(), _cpus()
    if cpu not in cpus:
        raise gdb.GdbError(f"there is no CPU {cpu}; there are 0 to {len(cpus) - 1}")
    cpus[cpu].switch()
    try:
        yield
    finally:
        before.switch()


def _register(cpu: int, name: str) -> int:
    with _on(cpu):
        return _evaluate(f"${name}")


def _level(cpu: int) -> int:
    return _bits(_register(cpu, "cpsr"), 3, 2)


def _of_level(cpu: int, name: str) -> int:
    """Returns a register that EL1 and EL2 each have."""
    return _register(cpu, f"{name}_EL{_level(cpu)}")


@contextlib.contextmanager
def _physical_memory() -> Iterator[None]:
    """Reads memory by physical address inside the with statement."""
    connection = gdb.selected_inferior().connection
    connection.send_packet("Qqemu.PhyMemMode:1")
    try:
        yield
    finally:
        connection.send_packet("Qqemu.PhyMemMode:0")


def _descriptor(address: int) -> int:
    with _physical_memory():
        return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


@dataclass(frozen=True)
class Translation:
    """How a CPU translates kernel addresses, according to its TCR and TTBR1 (Arm ARM D8)."""

    page_shift: int
    va_bits: int
    wide: bool  # 52-bit addresses in descriptors
    start: int

    @classmethod
    def of(cls, cpu: int) -> "Translation":
        """Reads the translation of `cpu`; raises an error if it runs on no root yet."""
        tcr, ttbr = _of_level(cpu, "TCR"), _of_level(cpu, "TTBR1")
        page_shift = {1: 14, 2: 12, 3: 16}.get(_bits(tcr, 31, 30), 0)
        va_bits = 64 - _bits(tcr, 21, 16)
        if page_shift == 0 or ttbr == 0:
            raise gdb.GdbError(f"cpu{cpu} is on no root yet")
        wide = bool(_bits(tcr, 59, 59)) or page_shift == 16 and _bits(tcr, 34, 32) == 6
        # A table is aligned to at least 64 bytes. With wide addresses bits 5:2 hold BADDR[51:48].
        start = ttbr & 0xFFFF_FFFF_FFC0 | (_bits(ttbr, 5, 2) << 48 if wide else 0)
        return cls(page_shift, va_bits, wide, start)

    @property
    def start_level(self) -> int:
        """The level of the table that a walk begins at."""
        index_bits = self.page_shift - 3
        return LAST_LEVEL + 1 - -(-(self.va_bits - self.page_shift) // index_bits)

    def shift(self, level: int) -> int:
        """Returns the size that an entry of `level` covers, as a power of two."""
        return self.page_shift + (LAST_LEVEL - level) * (self.page_shift - 3)

    def index(self, address: int, level: int) -> int:
        """Returns the index of the entry for `address` in a table of `level`."""
        top = self.va_bits if level == self.start_level else self.shift(level - 1)
        return _bits(address, top - 1, self.shift(level))

    def output(self, descriptor: int) -> int:
        """Returns the physical address of the table, block or page that a descriptor points to."""
        if not self.wide:
            return descriptor & _mask(47, self.page_shift)
        if self.page_shift == 16:
            return descriptor & _mask(47, 16) | _bits(descriptor, 15, 12) << 48
        return descriptor & _mask(49, self.page_shift) | _bits(descriptor, 9, 8) << 50


def _mask(high: int, low: int) -> int:
    return (1 << high + 1) - (1 << low)


def _walk(address: int, translation: Translation) -> Iterator[str]:
    """Yields a line for each level of a walk, and one for its result."""
    table = translation.start
    for level in range(translation.start_level, LAST_LEVEL + 1):
        index = translation.index(address, level)
        descriptor = _descriptor(table + index * 8)
        is_valid, is_table = bool(descriptor & 1), bool(descriptor & 2)
        kind = "invalid"
        if is_valid and level == LAST_LEVEL:
            kind = "page" if is_table else "reserved"
        elif is_valid:
            kind = "table" if is_table else "block"
        yield f"level {level}: P:{table:#x} entry {index}: {descriptor:#018x} {kind}"
        if kind in ("invalid", "reserved"):
            yield f"not mapped: {kind} at level {level}"
            return
        if kind != "table":
            offset = address & _mask(translation.shift(level) - 1, 0)
            start = translation.output(descriptor) & ~_mask(translation.shift(level) - 1, 0)
            yield f"physical address P:{start | offset:#x}"
            return
        table = translation.output(descriptor)


def _kernel_half(address: int, translation: Translation) -> bool:
    return address >> translation.va_bits == U64 >> translation.va_bits


class PtWalk(gdb.Command):
    """Walk a CPU's root table in memory: ptwalk ADDRESS [CPU]

    Prints the descriptor of each level, and the physical address or the level at which the walk ends.
    ADDRESS is an expression. CPU is a number; without it ptwalk uses the root of the selected CPU."""

    def __init__(self) -> None:
        super().__init__("ptwalk", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        words = re.fullmatch(r"\s*(\S.*?)(?:(?<![-+*/%&|^<>])\s+(\d+))?\s*", argument)
        if words is None:
            raise gdb.GdbError("ptwalk ADDRESS [CPU]")
        cpu = int(words[2]) if words[2] else gdb.selected_thread().num - 1
        address = _evaluate(words[1])
        translation = Translation.of(cpu)
        if not _kernel_half(address, translation):
            raise gdb.GdbError(f"{address:#x} is not in the kernel's half of the address space")
        print(f"V:{address:#x} through the root of cpu{cpu}")
        for line in _walk(address, translation):
            print(line)


class PercpuVariable(gdb.Command):
    """Print a CPU's copy of a static PerCpu variable: percpu CPU VARIABLE

    VARIABLE may be a member of one, such as idle_thread.value_.name. Reads the copy at its global address."""

    def __init__(self) -> None:
        super().__init__("percpu", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        cpu_text, _, name = argument.strip().partition(" ")
        if not name:
            raise gdb.GdbError("percpu CPU VARIABLE")
        cpu = _evaluate(cpu_text)
        variable = gdb.parse_and_eval(name)
        local = int(variable.address) & U64 if variable.address is not None else 0
        if not _evaluate("&_percpu_start") <= local < _evaluate("&_percpu_end"):
            raise gdb.GdbError(f"{name} is not a static PerCpu variable")
        distance = _of_level(cpu, "TPIDR")
        if distance == 0:
            raise gdb.GdbError(f"cpu{cpu} has no percpu data yet")
        address = local + distance & U64
        with _on(cpu):
            copy = gdb.Value(address).cast(variable.type.pointer()).dereference()
            print(f"{name} of cpu{cpu} at V:{address:#x}, everywhere V:{local:#x}: {copy.format_string()}")


def _root_of(cpu: int) -> int:
    """Returns the physical address of the root that the kernel made for `cpu`: the master if all CPUs are on
    one root."""
    if _evaluate(f"{ROOTS}.base.raw_") == 0:
        offset = "(unsigned long)&percival::boot::boot_tables.master - (unsigned long)&_image_start"
        return _evaluate(f"percival::boot::handoff.image.raw_ + {offset}")
    tables = _evaluate(f"{LAYOUT}::kPrivateTables")
    return _evaluate(f"{ROOTS}.base.raw_") + (cpu * tables << _evaluate(f"{GEOMETRY}::kPageShift"))


def _start_of(root: int, translation: Translation) -> int:
    """Returns the table at which hardware begins a walk of `root`. This is below the root if a 52-bit build
    runs with 48 bits (mm/address_space/fold.hpp)."""
    va_bits = _evaluate(f"{GEOMETRY}::kVaBits")
    if va_bits == translation.va_bits:
        return root
    whole = Translation(translation.page_shift, va_bits, translation.wide, root)
    entry = root + whole.index(U64 << translation.va_bits & U64, whole.start_level) * 8
    return entry if whole.start_level == translation.start_level else whole.output(_descriptor(entry))


class Roots(gdb.Command):
    """Print each CPU's root table, and whose root its TTBR1 holds: roots"""

    def __init__(self) -> None:
        super().__init__("roots", gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        if _evaluate("percival::mm::cpus_with_root") == 0:
            raise gdb.GdbError("there are no roots yet")
        selected = gdb.selected_thread().num - 1
        roots = {cpu: _root_of(cpu) for cpu in range(_evaluate("percival::mm::cpus_with_root"))}
        for cpu, root in roots.items():
            mark = "*" if cpu == selected else " "
            print(f"{mark} cpu{cpu}: root P:{root:#x}, {self._current(cpu, roots)}")

    @staticmethod
    def _current(cpu: int, roots: Dict[int, int]) -> str:
        if _of_level(cpu, "TTBR1") == 0:
            return "not up"
        translation = Translation.of(cpu)
        owners = [owner for owner, root in roots.items() if _start_of(root, translation) == translation.start]
        whose = "its own" if cpu in owners else f"cpu{owners[0]}'s" if owners else "no CPU's"
        return f"TTBR1_EL{_level(cpu)} P:{translation.start:#x}, {whose}"


def _field(value: gdb.Value, name: str) -> Optional[gdb.Value]:
    """Returns the member called `name` of an object, of its bases or of its parts, or None."""
    own_type = value.type.strip_typedefs()
    if own_type.code != gdb.TYPE_CODE_STRUCT:
        return None
    fields = [field for field in own_type.fields() if hasattr(field, "bitpos")]  # static members have none
    for field in fields:
        if field.name == name:
            return value[field]
    inner = (_field(value[field], name) for field in fields)
    return next((found for found in inner if found is not None), None)


def _member(value: gdb.Value, name: str) -> gdb.Value:
    found = _field(value, name)
    if found is None:
        raise gdb.GdbError(f"{value.type} has no member {name}")
    return found


def _describe(thread: gdb.Value) -> str:
    name, length = _member(thread, "_M_str"), int(_member(thread, "_M_len"))
    state = str(_member(thread, "state")).rpartition("::")[2]
    priority = int(_member(thread, "priority"))
    text = name.string(length=length) if length != 0 else "?"
    return f"{text}, {state}, priority {priority}, at V:{int(thread.address) & U64:#x}"


def _ready(queue: gdb.Value) -> List[gdb.Value]:
    """Returns the threads on a run queue, from the highest priority down."""
    thread_type = gdb.lookup_type("percival::Thread").pointer()
    lists = _member(_member(_member(queue, "ready_"), "lists_"), "_M_elems")
    found = []
    for priority in reversed(range(lists.type.strip_typedefs().range()[1] + 1)):
        link = lists[priority]["first_"]
        while int(link) != 0:
            found.append(link.cast(thread_type).dereference())
            link = link["next_"]
    return found


class Threads(gdb.Command):
    """Print the thread that each CPU runs, and the threads that are ready to run: threads"""

    def __init__(self) -> None:
        super().__init__("threads", gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        thread_type = gdb.lookup_type("percival::Thread").pointer()
        local = gdb.parse_and_eval(f"&{QUEUES}")
        for cpu in _cpus():
            running, distance = _register(cpu, "SP_EL0"), _of_level(cpu, "TPIDR")
            if running == 0 or distance == 0:
                print(f"cpu{cpu}: not up")
                continue
            with _on(cpu):
                print(f"cpu{cpu} runs {_describe(gdb.Value(running).cast(thread_type).dereference())}")
                queue = gdb.Value(int(local) + distance & U64).cast(local.type).dereference()
                for thread in _ready(queue):
                    print(f"cpu{cpu} has {_describe(thread)}")


for command in (PercpuVariable, PtWalk, Roots, Threads):
    command()

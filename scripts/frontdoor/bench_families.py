# SPDX-License-Identifier: BSD-2-Clause
"""What the benchmarks measure: families of them, and what their numbers mean and do not mean."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Dict, List, NamedTuple, Sequence, Tuple


class Family(NamedTuple):
    """Benchmarks that belong together, by globs of their names."""

    title: str
    globs: Tuple[str, ...]
    meaning: str


WIDTHS = Family(
    "this_cpu operations at other widths",
    ("this_cpu_*_bytes", "this_cpu_*_byte"),
    "The same operations on variables of 1, 2, 4 and 16 bytes.",
)
# The first family that has a name counts.
FAMILIES: Tuple[Family, ...] = (
    WIDTHS,
    Family(
        "this_cpu operations",
        ("this_cpu_*", "pin", "pin_and_add", "raw_add", "fixup_*"),
        "One operation on this CPU's copy of a variable of 8 bytes, with its address in a register; _first "
        "includes the computation of the address, by_pointer goes through a pointer. by_ldadd, by_stadd and "
        "by_llsc say which instruction adds, after_prefetch what comes before. dependent additions wait for "
        "each other. neighbours_on_a_line and on_two_lines are pairs; cold_cache and cold_tlb are single "
        "uses, of which only cycles tell. pin stays on the CPU "
        "and does nothing, and pin_and_add does by hand what this_cpu_add does. raw_add reads, adds and "
        "writes without any protection: it is no valid operation, but a lower bound. fixup_note_and_clear is "
        "the two stores of 16 bits that each operation of fixup mode makes, here and in Linux; around_add is "
        "what they add to an addition between them.",
    ),
    Family(
        "Counters and references per CPU",
        ("percpu_counter_*", "percpu_ref_*"),
        "Adding to a counter that each CPU has a copy of, also in batches, and its sum over all CPUs; "
        "getting and putting a reference.",
    ),
    Family(
        "Percpu memory",
        ("alloc_free_percpu_*", "alloc_percpu_*", "free_percpu_*", "percpu_*_objects"),
        "An allocation of percpu memory and its free, by the size of the object in bytes; first_10000 is the "
        "mean over the first 10,000 objects, which includes new chunks; contended is on up to eight CPUs at "
        "once. linked and mapped are the kinds of percpu windows.",
    ),
    Family(
        "Pages and small objects",
        ("alloc_free_page*", "alloc_free_block_*", "page_zero_*", "kmalloc_*"),
        "An allocation and its free, served from the CPU's own stock; zeroed includes clearing the page. "
        "Linux's figures are with its own checks and statistics.",
    ),
    Family(
        "vmalloc, vmap and page tables",
        ("vmalloc_*", "vmap_*", "vm_region_*", "map_*", "set_memory_*"),
        "An allocation of address space with pages, its mapping, and its free; 16p is 16 pages. deferred is "
        "the share of the flush that follows later for many areas together; beside_N is with N other areas "
        "in use. One TLBI counts as one instruction, whatever it costs on the bus.",
    ),
    Family(
        "Walks over pages",
        ("walk_*",),
        "A read of one of so many pages, which are read in turn, by a global address, by a local one, and by "
        "both. Each address depends on the read before. Beyond what the TLB holds, cycles, TLB refills and "
        "walks show what an entry costs; with both addresses each page takes two. Instructions are those of "
        "the loop.",
    ),
    Family(
        "Threads and interrupts",
        ("context_switch", "ipi_*", "others_*"),
        "A switch from one thread to another and back, and calls of other CPUs. Under the emulator a call "
        "counts the instructions of all CPUs that take part, but no time on the way.",
    ),
    Family(
        "Whole workloads",
        ("macro_*", "allocate_map_touch_unmap"),
        "Experiments, with what they cost all CPUs together: 10,000 groups that have three percpu counters "
        "each; 64 threads of each CPU that come and go, each with a percpu counter; four pages that are "
        "allocated, mapped, touched and unmapped, while these events are counted; and a counter with batches "
        "of 32, to which threads add while they go from CPU to CPU. Its slow paths take a lock. "
        "allocate_map_touch_unmap is on up to eight CPUs.",
    ),
    Family(
        "The machine by its number of CPUs",
        ("scale_*",),
        "What there is before the first test, in all: the instructions of the phases of boot that prepare "
        "for CPUs and start them, percpu memory with the instructions of making it, and page tables with "
        "those of completing the master root.",
    ),
    Family(
        "The linear map and memory that comes and goes",
        ("linear_map_*", "repaint_*", "hot_*", "boot_*"),
        "Mapping so much RAM by blocks or by pages, repainting the map with pages, adding and removing "
        "memory, and the whole way from the first instruction to the self-tests.",
    ),
)
OTHERS = Family("Other benchmarks", ("*",), "tests/bench in the source tree says what they measure.")

# The term and what it means, and does not mean.
MEANINGS: Tuple[Tuple[str, str], ...] = (
    (
        "instructions",
        "Instructions that the CPU retired for one operation (PMU event INST_RETIRED), without the cost of "
        "the loop around it: the lowest of several rounds. Two boots of one kernel under QEMU "
        "-icount agree to the hundredth. They are not time: an instruction costs from a quarter of a cycle "
        "to hundreds of cycles. The cost of TLB misses, cache misses, TLBIs, DSBs and atomics does not "
        "show, and that is where private roots could cost most.",
    ),
    (
        "cycles",
        "Cycles of the CPU for the same operation: the median of 200 samples, with the lowest and the 99th "
        "percentile. A sample in which the CPU took an exception is thrown away and counted. Only a board "
        "counts them: an emulator has no pipeline, no caches and no TLBs that behave like a CPU's. They hold "
        "for that CPU at that clock; firmware and other CPUs add to them.",
    ),
    (
        "TLB refills and walks",
        "Events L1D_TLB_REFILL and DTLB_WALK for one operation, the mean of all samples. A kernel that does "
        "not believe a counter says so in a line instrument: of its log.",
    ),
    (
        "mode",
        "local: one instruction on a page table of the CPU's own. restart: on the global address, started "
        "again if it is interrupted. fixup: the same address, mended by the exception that interrupts it. "
        "guarded: with preemption off. linked and mapped: how percpu windows "
        "come into the page tables. No mode: the result does not depend on it, or the kernel ran "
        "in its default, which is local on private roots and restart on one root for all.",
    ),
    (
        "CPUs",
        "How many were online. While most benchmarks run, all but one sleep: such a result says nothing "
        "about contention.",
    ),
    (
        "total",
        "Instructions of all CPUs for the whole experiment, and not for one operation. An emulator's counter "
        "counts them together. A board's counts those of its own CPU only, so on several CPUs a board does "
        "not measure experiments in which all take part.",
    ),
    ("slow paths", "How often an operation had to go beyond its own CPU, to what all CPUs share."),
    ("tables", "Pages of page tables that the operation made."),
    (
        "TLBIs",
        "TLB invalidations that it issued. What one costs depends on the machine, and grows with its CPUs.",
    ),
    ("bytes", "Memory in use for the operation, with its page tables."),
    ("addresses", "Bytes of addresses in use for it, in the local window and in the slabs of all CPUs."),
    (
        "Linux",
        "What Linux retires for the nearest operation under the same emulator and counter, on 1 CPU of the "
        "kind neoverse-n1: never on the board beside it. A module measures it (percival bench --linux) on "
        "Debian's kernels, which do not clear each page here. Preemptible is the kernel for real time, and "
        "the fair comparison. Linux does more in some of them, such as accounting, which is part of the "
        "difference. Allocators are medians of single pairs, deferred is the purge of lazily freed areas, "
        "and context_switch is between two real-time threads. Linux 7.4 is counted in its sequences, not "
        "measured.",
    ),
    (
        "roots",
        "private: each CPU runs on its own page table. One root for all: as in other kernels. There is no "
        "local mode then, and CPUs may share TLB entries, which instructions do not show.",
    ),
    (
        "logs",
        "The kernel's lines have no checksum. A damaged line is left out and named, but a digit that became "
        "another digit on the way cannot be found.",
    ),
)


def family_of(name: str) -> Family:
    """Returns the family of a benchmark."""
    for family in FAMILIES:
        if any(fnmatchcase(name, glob) for glob in family.globs):
            return family
    return OTHERS


def by_family(names: Sequence[str]) -> "List[Tuple[Family, List[str]]]":
    """Returns the families that have one of the names, each with its names in their order. The widths come
    last of all that are known, because they are many."""
    members: Dict[Family, List[str]] = {}
    for name in dict.fromkeys(names):
        members.setdefault(family_of(name), []).append(name)
    order = [*FAMILIES[1:], OTHERS, WIDTHS]
    return [(family, members[family]) for family in order if family in members]

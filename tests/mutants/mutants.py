# SPDX-License-Identifier: BSD-2-Clause
"""The mutants: one barrier, invalidation, break, publication, check or lock less in each, and who must notice.

`old` stands in `file` exactly once. A mutant is judged either on the host, by `tests` (GoogleTest filter) in a program made of
`sources`, or by booting the 4k-48 build, where a run that is not `passed` is a kill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

ENGINE = ("tests/host/page_table_operations_test.cpp",)
BATCH = ("tests/host/page_table_batch_test.cpp",)
WIDE = ("tests/host/page_table_wide_blocks_test.cpp",)
WRITER = ("tests/host/page_table_change_test.cpp",)
SHARING = ("tests/host/page_table_sharing_test.cpp",)
SPINLOCK = ("tests/host/spinlock_test.cpp",)
EARLY = ("tests/host/early_memory_test.cpp", "mm/early_memory.cpp")
BUDDY = ("tests/host/buddy_test.cpp", "mm/buddy.cpp")
PERCPU_MAP = ("tests/host/percpu_map_random_test.cpp", "tests/host/percpu_chunk_map_test.cpp", "mm/percpu_chunk_map.cpp")
PERCPU_POPULATION = ("tests/host/percpu_population_test.cpp", "mm/percpu_chunk_map.cpp", "mm/percpu_population.cpp")
PERCPU_SLOTS = ("tests/host/percpu_slots_test.cpp", "mm/percpu_chunk_map.cpp")


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    sources: Tuple[str, ...] = ()  # none: judged by a boot
    tests: str = "*"
    selftests: str = "*"  # which self-tests a boot runs


def _host(name: str, file: str, old: str, new: str, sources: Sequence[str], tests: str) -> Mutant:
    return Mutant(name, file, old, new, tuple(sources), tests)


def _boot(name: str, file: str, old: str, new: str, selftests: str) -> Mutant:
    return Mutant(name, file, old, new, selftests=selftests)


MUTANTS = (
    # The TLB batch.
    _host(
        "batch: no DSB between the stores and the TLBI",
        "mm/tlb_batch.hpp",
        "        arch::dsb<kShareability, arch::Access::Store>();\n",
        "",
        ENGINE,
        "*UnmappedMemoryMayBeReused*",
    ),
    _host(
        "batch: no TLBI",
        "mm/tlb_batch.hpp",
        "            arch::tlbi_page<Scope>(item.range.base + item.leaf_size * n, item.entries);",
        "            static_cast<void>(n);",
        ENGINE,
        "*UnmappedMemoryMayBeReused*",
    ),
    _host(
        "batch: no TLBI by range",
        "mm/tlb_batch.hpp",
        "            arch::tlbi_range<G, Scope>(item.range, item.entries);\n",
        "",
        BATCH,
        "TlbBatchTest.PagesGoByRange*",
    ),
    _host(
        "batch: no full flush where one was chosen",
        "mm/tlb_batch.hpp",
        "            arch::tlbi_all<Scope>();\n",
        "",
        BATCH,
        "TlbBatchTest.OneForEverything*",
    ),
    _host(
        "batch: only this CPU's TLB is invalidated",
        "mm/tlb_batch.hpp",
        "            arch::tlbi_page<Scope>(",
        "            arch::tlbi_page<arch::TlbScope::ThisCpu>(",
        ENGINE,
        "*UnmappedMemoryMayBeReused*",
    ),
    _host(
        "batch: the TLBI is not waited for",
        "mm/tlb_batch.hpp",
        "        arch::dsb<kShareability>();\n        const u64 repeats",
        "        const u64 repeats",
        ENGINE,
        "*UnmappedMemoryMayBeReused*",
    ),
    _host(
        "batch: a flush is not repeated where an erratum needs it",
        "mm/tlb_batch.hpp",
        "        const u64 repeats = repeat();\n",
        "        const u64 repeats = 0;\n",
        BATCH,
        "TlbBatchTest.AFlushIsRepeated*",
    ),
    _host(
        "batch: the repeated TLBI is not waited for",
        "mm/tlb_batch.hpp",
        "        arch::tlbi_again();\n        arch::dsb<kShareability>();\n",
        "        arch::tlbi_again();\n",
        BATCH,
        "TlbBatchTest.AFlushIsRepeated*",
    ),
    _host(
        "batch: no ISB",
        "mm/tlb_batch.hpp",
        "        arch::isb();\n",
        "",
        ENGINE,
        "*UnmappedMemoryMayBeReused*",
    ),
    _host(
        "batch: a run is invalidated by its first page only",
        "mm/tlb_batch.hpp",
        "u64 leaves() const { return range.size.count() / leaf_size.count(); }",
        "u64 leaves() const { return 1; }",
        ENGINE,
        "*PartOfARun*",
    ),
    _host(
        "batch: walk caches keep an unlinked table",
        "mm/tlb_batch.hpp",
        "add({{at, G::kPageSize}, G::kPageSize, arch::TlbEntries::LeavesAndTables});",
        "add({{at, G::kPageSize}, G::kPageSize, arch::TlbEntries::Leaves});",
        ENGINE,
        "*EmptyTablesOfAPrivateRange*",
    ),
    _host(
        "batch: tables are freed before the flush",
        "mm/tlb_batch.hpp",
        "        arch::dsb<kShareability, arch::Access::Store>();\n        const u64 issued",
        "        release_tables();\n        arch::dsb<kShareability, arch::Access::Store>();\n        const u64 issued",
        ENGINE,
        "*EmptyTablesOfAPrivateRange*",
    ),
    _host(
        "batch: no flush when it goes out of scope",
        "mm/tlb_batch.hpp",
        "    ~TlbBatch() { flush(); }\n",
        "",
        ENGINE,
        "*PartOfABlock*",
    ),
    # The engine.
    _host(
        "engine: unmap queues no invalidation",
        "mm/page_table.hpp",
        "{ batch.add_leaves(leaves, size); }",
        "{ static_cast<void>(leaves), static_cast<void>(size), static_cast<void>(batch); }",
        ENGINE,
        "*PartOfABlock*",
    ),
    _host(
        "engine: map does not publish",
        "mm/page_table.hpp",
        "            done = done + *mapped;\n        }\n        env_.publish();\n",
        "            done = done + *mapped;\n        }\n",
        ENGINE,
        "*APageIsMapped*",
    ),
    _host(
        "engine: map over a valid entry is not refused",
        "mm/page_table.hpp",
        "table->is_new ? most : count_invalid(first, most, level)",
        "most",
        ENGINE,
        "*MappingOverAnything*",
    ),
    _host(
        "engine: a failed map takes nothing back",
        "mm/page_table.hpp",
        "                undo_map(range, done);\n",
        "",
        ENGINE,
        "*MapThatRunsOut*",
    ),
    _host(
        "engine: a leaf that reaches out of the range is not cut at its end",
        "mm/page_table.hpp",
        "        return editor.isolate(range.end());",
        "        return {};",
        ENGINE,
        "*ProtectChanges*",
    ),
    _host(
        "engine: a shared table is freed",
        "mm/page_table.hpp",
        "        if (tables_ == Tables::Private)\n            TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);\n        return {};",
        "        TableReclaimer<G, Pte, Env>{env_, batch}.reclaim(root(), range);\n        return {};",
        ENGINE,
        "*EmptyTablesOfAPrivateRange*",
    ),
    _host(
        "break-before-make: nothing is flushed between break and make",
        "mm/leaf_editor.hpp",
        "        batch_.add_leaves({at, size_of(level) * count}, size_of(level));\n        batch_.flush();\n",
        "        batch_.add_leaves({at, size_of(level) * count}, size_of(level));\n",
        ENGINE,
        "*PartOfABlock*",
    ),
    _host(
        "break-before-make: no break",
        "mm/leaf_editor.hpp",
        "        writer_.clear_leaves(first, count);\n        batch_.add_leaves",
        "        batch_.add_leaves",
        ENGINE,
        "*PartOfABlock*",
    ),
    _host(
        "break-before-make: only the first entry of a run is broken",
        "mm/leaf_editor.hpp",
        "        writer_.clear_leaves(first, count);\n",
        "        writer_.clear_leaves(first, 1);\n",
        ENGINE,
        "*PartOfARun*",
    ),
    _host(
        "break-before-make: what was made anew is not published",
        "mm/leaf_editor.hpp",
        "        writer_.fill_invalid(first, count, value, size_of(level));\n        env_.publish();\n",
        "        writer_.fill_invalid(first, count, value, size_of(level));\n",
        ENGINE,
        "*AWholeRunKeepsItsHint*",
    ),
    _host(
        "split: the new table is linked before it is published",
        "mm/leaf_editor.hpp",
        "        fill_lower(env_.table(*page), block, boundary);\n        env_.publish();\n",
        "        fill_lower(env_.table(*page), block, boundary);\n",
        ENGINE,
        "*WhereSizesChangeLive*",
    ),
    _host(
        "live resize: the old size stays in TLBs while the rest changes",
        "mm/leaf_editor.hpp",
        "        change();\n        env_.publish();\n        batch_.flush();\n",
        "        change();\n        env_.publish();\n",
        ENGINE,
        "*WhereSizesChangeLive*",
    ),
    _host(
        "tables: a page's zeroes are not published before it is linked",
        "mm/live_tables.hpp",
        "        arch::zero_table(reinterpret_cast<u64*>(table), size);\n        publish();\n",
        "        arch::zero_table(reinterpret_cast<u64*>(table), size);\n",
        ENGINE,
        "*APageIsMapped*",
    ),
    _host(
        "tables: publish() has no DSB",
        "mm/live_tables.hpp",
        "        arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();\n",
        "",
        ENGINE,
        "*APageIsMapped*",
    ),
    _host(
        "tables: publish() has no ISB",
        "mm/live_tables.hpp",
        "        arch::isb();\n",
        "",
        ENGINE,
        "*APageIsMapped*",
    ),
    _host(
        "writer: forbidden changes are not refused",
        "mm/descriptor_writer.hpp",
        "        if (!is_allowed(change, resizes_live())) [[unlikely]]\n            refuse(old, now, level);\n",
        "",
        WRITER,
        "DescriptorWriterTest.*",
    ),
    # Locks and memory.
    _host(
        "spinlock: everybody gets it",
        "kernel/spinlock.hpp",
        "        return held_.load(std::memory_order_relaxed) == 0 &&\n"
        "               held_.exchange(1, std::memory_order_acquire) == 0;",
        "        held_.store(1, std::memory_order_relaxed);\n        return true;",
        SPINLOCK,
        "*",
    ),
    _host(
        "spinlock: a held lock is taken",
        "kernel/spinlock.hpp",
        "        while (!take())\n            arch::relax();\n",
        "        static_cast<void>(take());\n",
        SPINLOCK,
        "SpinLockTest/0.ExcludesThreadsFromEachOther",
    ),
    _host(
        "spinlock: interrupts stay unmasked under an IrqSpinGuard",
        "kernel/spinlock.hpp",
        "    arch::InterruptMask masked_; // declared first: interrupts come back after the lock is given back\n",
        "",
        SPINLOCK,
        "SpinGuardTest.*",
    ),
    _host(
        "early memory: a reservation is forgotten",
        "mm/early_memory.cpp",
        "            complete = cut(at, range) && complete;",
        "            complete = complete && at < free_.size();",
        EARLY,
        "*",
    ),
    _host(
        "early memory: what was handed out stays free",
        "mm/early_memory.cpp",
        "    if (!best || !cut(*best, {best_base, size}))",
        "    if (!best)",
        EARLY,
        "EarlyMemory.allocates_from_the_top_down",
    ),
    _host(
        "buddy: an allocated block stays on its list",
        "mm/buddy.cpp",
        "    remove(index, found);\n",
        "",
        BUDDY,
        "*",
    ),
    _host(
        "buddy: a block is merged with a buddy that is in use",
        "mm/buddy.cpp",
        "        if (!descriptors_[buddy].load().is(PageUse::Free, order))\n            break;\n",
        "",
        BUDDY,
        "*",
    ),
    # The percpu allocator's bookkeeping.
    _host(
        "percpu block: what is freed does not merge with its left neighbour",
        "mm/percpu_block.hpp",
        "run = {find_end_before(used, run.begin, 0), ",
        "run = {run.begin, ",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: what is freed does not merge with its right neighbour",
        "mm/percpu_block.hpp",
        "find_set(used, run.end, kGrains)};",
        "run.end};",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: the left edge is not cut off",
        "mm/percpu_block.hpp",
        "    left_ = std::min(left_, taken.begin);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: the right edge is not cut off",
        "mm/percpu_block.hpp",
        "    right_ = std::min(right_, kGrains - taken.end);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: the right edge does not grow",
        "mm/percpu_block.hpp",
        "        right_ = run.length();\n",
        "        {}\n",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: the first free grain does not move",
        "mm/percpu_block.hpp",
        "        first_ = find_clear(used, taken.end, kGrains);\n",
        "        {}\n",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: a start inside a word need not be aligned",
        "mm/percpu_block.hpp",
        "starts_of_runs(free, length) & aligned;",
        "starts_of_runs(free, length);",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu block: a run that comes from the word before is taken where it begins",
        "mm/percpu_block.hpp",
        "request.align_up(base - open);",
        "base - open;",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu runs: the longest is not looked for anew",
        "mm/percpu_free_runs.hpp",
        "        if (std::max(before, after) < outside)\n            return false;\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu map: a run does not go over a block's left edge",
        "mm/percpu_chunk_map.cpp",
        "        around.begin -= blocks_[--index].right();",
        "        --index;",
        PERCPU_MAP,
        "*PercpuChunkMap*EveryOrder*:*each_step*",
    ),
    _host(
        "percpu map: a run does not go over a block's right edge",
        "mm/percpu_chunk_map.cpp",
        "        around.end += blocks_[index].left();",
        "        break;",
        PERCPU_MAP,
        "*PercpuChunkMap*EveryOrder*:*each_step*",
    ),
    _host(
        "percpu map: an allocation has no start",
        "mm/percpu_chunk_map.cpp",
        "    set_bit(starts_, *found);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu map: a start stays when what began there is freed",
        "mm/percpu_chunk_map.cpp",
        "    clear_bits(starts_, run.begin, run.end);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu map: the last allocation has no end",
        "mm/percpu_chunk_map.cpp",
        "        set_bit(starts_, end_);\n",
        "        {}\n",
        PERCPU_MAP,
        "*reserved_chunk*",
    ),
    _host(
        "percpu map: the inside of an allocation can be freed",
        "mm/percpu_chunk_map.cpp",
        "    if (!bit_is_set(starts_, begin))\n        return std::nullopt;\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu map: a second free within a batch goes through",
        "mm/percpu_chunk_map.cpp",
        "        if (offset >= bytes_of(together.begin) && offset < bytes_of(together.end)) {\n            give(together);\n            together = {0, 0};\n        }\n",
        "",
        PERCPU_MAP,
        "*PercpuChunkMap*:*each_step*",
    ),
    _host(
        "percpu map: an atomic allocation may lie anywhere",
        "mm/percpu_chunk_map.cpp",
        "        if (!within.empty() && !bit_is_set(within, index)) {\n            open = 0;\n            continue;\n        }\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    _host(
        "percpu map: a run goes on over a block that is not asked for",
        "mm/percpu_chunk_map.cpp",
        "            open = 0;\n            continue;",
        "            continue;",
        PERCPU_MAP,
        "*unit_32k*",
    ),
    _host(
        "percpu population: a page is empty when one of its blocks is",
        "mm/percpu_population.cpp",
        "starts_of_runs(blocks, blocks_per_page_)",
        "blocks",
        PERCPU_POPULATION,
        "*",
    ),
    _host(
        "percpu slots: an isolated chunk is used like others",
        "mm/percpu_slots.hpp",
        "    if (chunk.place_ != PercpuPlace::Isolated || chunk.is_unused())\n",
        "",
        PERCPU_SLOTS,
        "*",
    ),
    _host(
        "percpu slots: a chunk that failed is asked again",
        "mm/percpu_slots.hpp",
        "        if (sidelines)\n            move(*chunk, PercpuPlace::Sidelined);\n",
        "",
        PERCPU_SLOTS,
        "*",
    ),
    # What only the machine shows.
    _boot(
        "percpu area: the local window is not linked",
        "mm/percpu_area.cpp",
        "for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {",
        "for (u64 entry = KernelLayout::kWindowEntries; entry < KernelLayout::kWindowEntries; ++entry) {",
        "roots.*",
    ),
    _boot(
        "percpu area: all windows show CPU 0's slab",
        "mm/percpu_area.cpp",
        "local_to_global(kWindow.base, cpu) + KernelGeometry::entry_size(kLevel) * entry;",
        "local_to_global(kWindow.base, kBootCpu) + KernelGeometry::entry_size(kLevel) * entry;",
        "roots.*",
    ),
    _boot(
        "percpu area: the roots are not sealed",
        "mm/percpu_area.cpp",
        "    return master_table().protect(alias, kReadOnlyData, batch);",
        "    return master_table().protect(alias, kData, batch);",
        "roots.*",
    ),
    _boot(
        "TLBI by range: not issued",
        "arch/arm64/include/arch/tlb.hpp",
        'asm volatile("sys #0, c8, c2, #7, %0" : : "r"(operand) : "memory"); // RVAALE1IS',
        'asm volatile("" : : "r"(operand) : "memory");',
        "page_table.*",
    ),
    _host(
        "geometry: blocks that only 52-bit addresses have, without these",
        "mm/geometry.hpp",
        "            return VaBits == 52 && wide_blocks;",
        "            return VaBits == 52;",
        WIDE,
        "*AreNotUsedWhereTheMachine*",
    ),
    # Several CPUs on one tree.
    _host(
        "writer: a table is linked by a plain store",
        "mm/descriptor_writer.hpp",
        "            return env_.link(slot, table);",
        "            write(slot, table, level);\n            return Pte{};",
        SHARING,
        "*TheLoserGoesOn*",
    ),
    _host(
        "engine: the loser of a link goes on in its own table",
        "mm/page_table.hpp",
        "            env_.release(page);\n        return before;",
        "            env_.release(page);\n        return Pte::table(page);",
        SHARING,
        "*TheLoserGoesOn*",
    ),
    _host(
        "engine: the loser of a link keeps its page",
        "mm/page_table.hpp",
        "            env_.release(page);\n        return before;",
        "            static_cast<void>(page);\n        return before;",
        SHARING,
        "*TheLoserGoesOn*",
    ),
)

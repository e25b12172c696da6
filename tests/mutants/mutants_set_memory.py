# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of set_memory() and of merges."""

from __future__ import annotations

from mutant import on_host
from mutants_explored import SUPPORT

EDITOR = ("tests/host/set_memory/memory_editor_test.cpp",)
OUT_OF_MEMORY = ("tests/host/set_memory/out_of_memory_test.cpp",)
MERGER = ("tests/host/set_memory/memory_merger_test.cpp",)
EXPLORED = (
    "tests/host/explored/set_memory/merge_test.cpp",
    "tests/host/explored/set_memory/set_memory_bed.cpp",
    "tests/host/explored/set_memory/split_test.cpp",
    *SUPPORT,
    "tests/host/caches/image.cpp",
    "tests/host/support/assembly_source.cpp",
    "kernel/lib/format.cpp",
    "mm/kernel_map/live_break.cpp",
    "mm/set_memory/linear_merge.cpp",
    "mm/set_memory/set_memory.cpp",
)
LINEAR_MERGE = "mm/set_memory/linear_merge.cpp"

MUTANTS = (
    on_host(
        "set_memory: an executable page becomes writable",
        "mm/set_memory/memory_change.hpp",
        "        if (now == ReadExecute)\n"
        "            return std::unexpected{SetMemoryError::WriteAndExecute};\n",
        "",
        EDITOR,
        "*NoPageBecomesWritableAndExecutable*",
    ),
    on_host(
        "set_memory: a page that changes alone is not flushed",
        "mm/set_memory/memory_editor.hpp",
        "        if (page.kind() == PteKind::Leaf && *now != page.pte)\n",
        "        if (page.kind() != PteKind::Leaf)\n",
        EDITOR,
        "*ChangesOnePageInABlock*",
    ),
    on_host(
        "set_memory: pages that change together are not flushed",
        "mm/set_memory/memory_editor.hpp",
        "            if (old.kind(level) == PteKind::Leaf)\n",
        "            if (old.kind(level) != PteKind::Leaf)\n",
        EDITOR,
        "*EachChangeOfProtection*",
    ),
    on_host(
        "set_memory: the end of the range is not isolated",
        "mm/set_memory/memory_editor.hpp",
        "        if (!isolate(walker_.walk(range.end()), range.end(), batch))\n"
        "            return std::unexpected{SetMemoryError::NoMemory};\n",
        "",
        EDITOR,
        "*EachChangeOfProtection*",
    ),
    on_host(
        "set_memory: a block of the linear map is broken where it cannot be split",
        "mm/set_memory/memory_editor.hpp",
        "    bool may_split() const { return breaks_ == Breaks::Allowed || writer_.resizes_live(); }",
        "    bool may_split() const { return true; }",
        EDITOR,
        "*NothingInTheLinearMap*",
    ),
    on_host(
        "set_memory: a change begins with fewer tables than it needs",
        "mm/set_memory/memory_editor.hpp",
        "        if (!env_.set_aside(tables_needed(first, range)))\n",
        "        if (!env_.set_aside(tables_needed(first, range) != 0 ? 1 : 0))\n",
        OUT_OF_MEMORY,
        "*ARangeOverSeveralBlocks*",
    ),
    on_host(
        "set_memory: a block that both ends cut counts twice",
        "mm/set_memory/memory_editor.hpp",
        "share_entry(level) && is_cut(level, range.base) ? 0 : 1;",
        "1;",
        OUT_OF_MEMORY,
        "*PagesInTheSameBlock*",
    ),
    on_host(
        "set_memory: tables that were set aside are added to",
        "mm/set_memory/table_stock.hpp",
        "(refills_ == Refills::Allowed && stock_.fill(tables))",
        "stock_.fill(tables)",
        OUT_OF_MEMORY,
        "*AreNotAddedTo*",
    ),
    on_host(
        "set_memory: a page changes together with the size of its block",
        "mm/page_table/leaf_editor.hpp",
        "        if (!is_live)\n            writer_.fill_invalid(slot, 1, page, G::kPageSize);\n",
        "        writer_.fill_invalid(slot, 1, page, G::kPageSize);\n",
        EDITOR,
        "*ChangesOnePageInABlock*",
    ),
    on_host(
        "set_memory: a page that changes after its block is not flushed",
        "mm/page_table/leaf_editor.hpp",
        "            batch_.add_leaves({at, G::kPageSize}, G::kPageSize);\n",
        "",
        EDITOR,
        "*ChangesOnePageInABlock*",
    ),
    on_host(
        "set_memory: the run that a page begins keeps its hint",
        "mm/page_table/leaf_editor.hpp",
        "        if (part.end() != ends && (ends != begins || part.base == begins))\n"
        "            unfold_run(ends);\n",
        "",
        EDITOR,
        "*IsInvalidatedAfterTheBlock*",
    ),
    on_host(
        "clear: a page made invalid stays in its descriptor",
        "mm/page_table/page_table.hpp",
        "                if (found.pte.keeps_leaf())\n"
        "                    writer_.clear_leaves(found.slot, 1);\n",
        "",
        EDITOR,
        "*ClearEmptiesPages*",
    ),
    on_host(
        "merge: entries that differ are merged",
        "mm/set_memory/memory_merger.hpp",
        "!= Pte{leader.raw() + n * size.count()})",
        "== Pte{})",
        MERGER,
        "*OnePageThatDiffers*",
    ),
    on_host(
        "merge: the table is not invalidated before it is freed",
        "mm/set_memory/memory_merger.hpp",
        "        batch_.add_table(base, table.address());\n",
        "        env_.free(table.address());\n",
        MERGER,
        "*ABlockThatWasSplit*",
    ),
    on_host(
        "merge: the pages of a block are not invalidated",
        "mm/set_memory/memory_merger.hpp",
        "        batch_.add_leaves({base, G::entry_size(level)}, G::entry_size(lower));\n",
        "",
        MERGER,
        "*ABlockThatWasSplit*",
    ),
    on_host(
        "merge: misaligned memory is merged",
        "mm/set_memory/memory_merger.hpp",
        " || !leader.address().is_aligned(size * count)",
        "",
        MERGER,
        "*PagesOfMisalignedMemory*",
    ),
    # Beside other CPUs.
    on_host(
        "set_memory on the machine: a block changes while it is merged",
        "mm/set_memory/set_memory.cpp",
        "    const IrqSpinGuard guard{linear_map_lock};\n",
        "",
        EXPLORED,
        "*AMergeBesideAChange*",
    ),
    on_host(
        "set_memory on the machine: a change is not noted for the merge",
        "mm/set_memory/set_memory.cpp",
        "        note_linear_change(range);\n",
        "        static_cast<void>(range);\n",
        EXPLORED,
        "*MergedBackBesideAReader*",
    ),
    on_host(
        "merge on the machine: another CPU changes the block meanwhile",
        LINEAR_MERGE,
        "    const IrqSpinGuard guard{linear_map_lock};\n    const Merged merged =",
        "    const Merged merged =",
        EXPLORED,
        "*AMergeBesideAChange*",
    ),
    on_host(
        "merge on the machine: changes made meanwhile are forgotten",
        LINEAR_MERGE,
        "        merge_step(at);\n}",
        "        merge_step(at);\n    static_cast<void>(take_changed_range());\n}",
        EXPLORED,
        "*AMergeBesideAChange*",
    ),
    on_host(
        "merge on the machine: a walk cache leads to the table that is freed",
        "mm/set_memory/memory_merger.hpp",
        "        batch_.add_table(base, table.address());\n",
        "        env_.free(table.address());\n",
        EXPLORED,
        "*ABlockIsMergedBeside*",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the percpu allocator's bookkeeping. Host tests judge them."""

from __future__ import annotations

from mutant import on_host

PERCPU_MAP = (
    "tests/host/percpu_memory/percpu_map_random_test.cpp",
    "tests/host/percpu_memory/percpu_chunk_map_test.cpp",
    "mm/percpu_memory/chunk_map.cpp",
)
PERCPU_POPULATION = (
    "tests/host/percpu_memory/percpu_population_test.cpp",
    "mm/percpu_memory/chunk_map.cpp",
    "mm/percpu_memory/population.cpp",
)
PERCPU_SLOTS = ("tests/host/percpu_memory/percpu_slots_test.cpp", "mm/percpu_memory/chunk_map.cpp")

MUTANTS = (
    on_host(
        "percpu block: a freed run does not merge with its left neighbour",
        "mm/percpu_memory/block.hpp",
        "run = {find_end_before(used, run.begin, 0), ",
        "run = {run.begin, ",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: a freed run does not merge with its right neighbour",
        "mm/percpu_memory/block.hpp",
        "find_set(used, run.end, kGrains)};",
        "run.end};",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: an allocation does not shorten the left edge",
        "mm/percpu_memory/block.hpp",
        "    left_ = std::min(left_, taken.begin);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: an allocation does not shorten the right edge",
        "mm/percpu_memory/block.hpp",
        "    right_ = std::min(right_, kGrains - taken.end);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: a free does not extend the right edge",
        "mm/percpu_memory/block.hpp",
        "        right_ = run.length();\n",
        "        {}\n",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: an allocation does not update the first free grain",
        "mm/percpu_memory/block.hpp",
        "        first_ = find_clear(used, taken.end, kGrains);\n",
        "        {}\n",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: a start inside a word need not be aligned",
        "mm/percpu_memory/block.hpp",
        "starts_of_runs(free, length) & aligned;",
        "starts_of_runs(free, length);",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu block: a start in the word before need not be aligned",
        "mm/percpu_memory/block.hpp",
        "request.align_up(base - open);",
        "base - open;",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu runs: the search for the longest run is left out",
        "mm/percpu_memory/free_runs.hpp",
        "        if (std::max(before, after) < outside)\n            return false;\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu map: a free run does not cross a block's left edge",
        "mm/percpu_memory/chunk_map.cpp",
        "        around.begin -= blocks_[--index].right();",
        "        --index;",
        PERCPU_MAP,
        "*PercpuChunkMap*EveryOrder*:*each_step*",
    ),
    on_host(
        "percpu map: a free run does not cross a block's right edge",
        "mm/percpu_memory/chunk_map.cpp",
        "        around.end += blocks_[index].left();",
        "        break;",
        PERCPU_MAP,
        "*PercpuChunkMap*EveryOrder*:*each_step*",
    ),
    on_host(
        "percpu map: an allocation does not set its start bit",
        "mm/percpu_memory/chunk_map.cpp",
        "    set_bit(starts_, *found);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu map: a free does not clear the start bit",
        "mm/percpu_memory/chunk_map.cpp",
        "    clear_bits(starts_, run.begin, run.end);\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu map: there is no start behind the last allocation",
        "mm/percpu_memory/chunk_map.cpp",
        "        set_bit(starts_, end_);\n",
        "        {}\n",
        PERCPU_MAP,
        "*reserved_chunk*",
    ),
    on_host(
        "percpu map: an address inside an allocation can be freed",
        "mm/percpu_memory/chunk_map.cpp",
        "    if (!bit_is_set(starts_, begin))\n        return std::nullopt;\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu map: a second free within a batch succeeds",
        "mm/percpu_memory/chunk_map.cpp",
        "        if (offset >= bytes_of(together.begin) && offset < bytes_of(together.end)) {\n"
        "            put(together);\n            together = {0, 0};\n        }\n",
        "",
        PERCPU_MAP,
        "*PercpuChunkMap*:*each_step*",
    ),
    on_host(
        "percpu map: a restricted allocation may lie in any block",
        "mm/percpu_memory/chunk_map.cpp",
        "        if (!within.empty() && !bit_is_set(within, index)) {\n"
        "            open = 0;\n            continue;\n        }\n",
        "",
        PERCPU_MAP,
        "*each_step*",
    ),
    on_host(
        "percpu map: a free run continues across a block that is not allowed",
        "mm/percpu_memory/chunk_map.cpp",
        "            open = 0;\n            continue;",
        "            continue;",
        PERCPU_MAP,
        "*unit_32k*",
    ),
    on_host(
        "percpu population: a page is empty if one of its blocks is",
        "mm/percpu_memory/population.cpp",
        "starts_of_runs(blocks, blocks_per_page_)",
        "blocks",
        PERCPU_POPULATION,
        "*",
    ),
    on_host(
        "percpu slots: a free ends the isolation of a chunk",
        "mm/percpu_memory/slots.hpp",
        "    if (chunk.slot_kind_ != SlotKind::Isolated || chunk.is_unused())\n",
        "",
        PERCPU_SLOTS,
        "*",
    ),
    on_host(
        "percpu slots: a chunk in which a search failed is not sidelined",
        "mm/percpu_memory/slots.hpp",
        "        if (sidelines)\n            move(*chunk, SlotKind::Sidelined);\n",
        "",
        PERCPU_SLOTS,
        "*",
    ),
)

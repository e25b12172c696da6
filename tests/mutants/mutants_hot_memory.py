# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of memory that comes and goes."""

from __future__ import annotations

from mutant import by_boot, on_host

REMOVAL = (
    "tests/host/page_table/interleaving_removal_test.cpp",
    "tests/host/support/switch_if_due.cpp",
)
NEW_MEMORY = ("tests/host/hot_memory/new_memory_test.cpp", "mm/hot_memory/new_memory.cpp")
HOT_MEMORY = "mm/hot_memory/hot_memory.cpp"
MEMORY_LATER = "memory.later=256M@0x70000000"

MUTANTS = (
    on_host(
        "hot memory: tables that serve others are freed",
        "mm/page_table/table_reclaimer.hpp",
        "const bool is_whole = at.is_aligned(step) && entry_last <= last;",
        "const bool is_whole = true;",
        REMOVAL,
        "*BesideAMappingOfANeighbour*",
    ),
    on_host(
        "hot memory: what was unmapped is not invalidated",
        "mm/page_table/page_table.hpp",
        "        clear_leaves(range, batch);\n        TableReclaimer",
        "        clear(range);\n        TableReclaimer",
        REMOVAL,
        "*BesideASoftwareWalker*",
    ),
    by_boot(
        "hot memory: a removal does not flush",
        "mm/page_table/page_table.hpp",
        "        clear_leaves(range, batch);\n        TableReclaimer",
        "        clear(range);\n        TableReclaimer",
        "hot_memory.no_cpu_reaches*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: a removal does not empty page caches",
        HOT_MEMORY,
        "    drain_page_cache();\n    call_on_others([] { drain_page_cache(); });\n",
        "",
        "hot_memory.pages_in_page_caches*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: the other CPUs do not empty their page caches",
        HOT_MEMORY,
        "    call_on_others([] { drain_page_cache(); });\n",
        "",
        "hot_memory.pages_in_page_caches*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: pages in use do not keep it",
        HOT_MEMORY,
        "zone.managed_pages() - zone.free_pages();",
        "zone.managed_pages() - zone.managed_pages();",
        "hot_memory.pages_in_use*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: the count of pages in use is wrong",
        HOT_MEMORY,
        "    return least;",
        "    return least + 1;",
        "hot_memory.pages_in_use*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: a refused removal leaves the zone closed",
        HOT_MEMORY,
        "            zone.open();\n",
        "",
        "hot_memory.pages_in_use*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: a removal leaves the zone in the list",
        HOT_MEMORY,
        "    page_zones().remove(zone);\n",
        "",
        "hot_memory.*",
        append=MEMORY_LATER,
    ),
    by_boot(
        "hot memory: a removal keeps the tables",
        "mm/page_table/page_table.hpp",
        "        TableReclaimer<G, Pte, Env>{env_, batch}.reclaim_below_root(root(), range);\n",
        "",
        "hot_memory.a_removal_frees*",
        append=f"linear=pages {MEMORY_LATER}",
    ),
    on_host(
        "hot memory: may overlap reserved memory",
        "mm/hot_memory/new_memory.cpp",
        "    if (is_reserved(range, machine))\n        return std::unexpected{HotMemoryError::IsReserved};\n",
        "",
        NEW_MEMORY,
        "NewMemory.*",
    ),
    on_host(
        "hot memory: may overlap a bank",
        "mm/hot_memory/new_memory.cpp",
        "return bank.range.overlaps(range);",
        "return bank.range.contains(range.base) && range.is_empty();",
        NEW_MEMORY,
        "NewMemory.*",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""The percpu store as a whole, on the host."""

from __future__ import annotations

from mutant import on_host

_PERCPU_STORE = (
    "tests/host/support/percpu_store_bed.cpp",
    "tests/host/support/percpu_store_machine.cpp",
    "tests/host/support/percpu_store_model.cpp",
    "tests/host/support/percpu_store_run.cpp",
    "mm/percpu_memory/balance.cpp",
    "mm/percpu_memory/chunk.cpp",
    "mm/percpu_memory/chunk_map.cpp",
    "mm/percpu_memory/population.cpp",
    "mm/percpu_memory/store.cpp",
    "mm/vmalloc/vm_region.cpp",
)
PERCPU_STORE = ("tests/host/percpu_store/random_test.cpp", *_PERCPU_STORE)
PERCPU_STORE_FAILURE = ("tests/host/percpu_store/failure_test.cpp", *_PERCPU_STORE)

MUTANTS = (
    on_host(
        "percpu store model: what no memory is had for keeps its place",
        "mm/percpu_memory/store.cpp",
        "    put({&place, 1});\n",
        "",
        PERCPU_STORE_FAILURE,
        "*InANewChunk*",
    ),
    on_host(
        "percpu store model: a chunk without memory for its maps keeps its addresses",
        "mm/percpu_memory/store.cpp",
        "        local_percpu_region().release(**area);\n",
        "",
        PERCPU_STORE_FAILURE,
        "*InANewChunk*",
    ),
    on_host(
        "percpu store model: no addresses are said to be no memory",
        "mm/percpu_memory/store.cpp",
        "area.error() == VmError::NoMemory ?",
        "area.error() != VmError::NoMemory ?",
        PERCPU_STORE_FAILURE,
        "*Addresses*",
    ),
    on_host(
        "percpu store model: only the first pages that have no memory get some",
        "mm/percpu_memory/store.cpp",
        "        left.begin = missing.end;\n",
        "        left.begin = left.end;\n",
        PERCPU_STORE_FAILURE,
        "*FreesItsPlace*",
    ),
    on_host(
        "percpu store model: a chunk without pages has the size of one that has gone",
        "mm/percpu_memory/store.cpp",
        "    chunk->area->mapped = Bytes{0}; // a reused note may have the value of a destroyed chunk\n",
        "",
        PERCPU_STORE_FAILURE,
        "*AnyStep*",
    ),
    on_host(
        "percpu store model: what was missed is forgotten",
        "mm/percpu_memory/balance.cpp",
        "    make_missed_ready();\n",
        "",
        PERCPU_STORE_FAILURE,
        "*TheReserve*",
    ),
    on_host(
        "percpu store model: the smaller of two that were missed counts",
        "mm/percpu_memory/store.cpp",
        "missed_->grains() < request.grains()",
        "missed_->grains() > request.grains()",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: an atomic take gets pages without memory",
        "mm/percpu_memory/store.cpp",
        "allocate_many(request, wanted, candidate.population.populated_blocks())",
        "allocate_many(request, wanted)",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: pages are populated with the lock held",
        "mm/percpu_memory/store.cpp",
        "    if (!pages_.populate(chunk.base(), pages))\n"
        "        return false;\n    const IrqSpinGuard guard{lock_};\n",
        "    const IrqSpinGuard guard{lock_};\n"
        "    if (!pages_.populate(chunk.base(), pages))\n        return false;\n",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: empty pages are not counted again",
        "mm/percpu_memory/store.hpp",
        "total_ = total_ - before_ + chunk_.empty_pages();",
        "total_ = total_ - before_ + chunk_.empty_pages() * 0 + before_;",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: the pages of a chunk that goes are counted on",
        "mm/percpu_memory/balance.cpp",
        "    empty_pages_ -= unlinked->empty_pages();\n",
        "",
        PERCPU_STORE,
        "*/few_units_with_failures",
    ),
    on_host(
        "percpu store model: a chunk goes though something is in it",
        "mm/percpu_memory/chunk.hpp",
        "return map.is_unused(); }",
        "return map.free_bytes() * 2 > map.allocatable_size(); }",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a chunk goes that readers may have found",
        "mm/percpu_memory/balance.cpp",
        "    if (unlinked != nullptr)\n        rcu::synchronize(); // INV-percpu_chunk-3\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a chunk that goes keeps its pages",
        "mm/percpu_memory/balance.cpp",
        "        if (missing.begin != left.begin)\n"
        "            pages_.depopulate(chunk.base(), {left.begin, missing.begin});\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a chunk that goes keeps its addresses",
        "mm/percpu_memory/balance.cpp",
        "    local_percpu_region().release(*chunk.area);\n",
        "",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: a chunk goes with pages of the reserve",
        "mm/percpu_memory/balance.cpp",
        "        if (empty_pages_ >= kReservePages + chunk->empty_pages() || chunk->empty_pages() == 0)\n",
        "",
        PERCPU_STORE_FAILURE,
        "*AnyStep*",
    ),
    on_host(
        "percpu store model: pages in use lose their memory",
        "mm/percpu_memory/population.cpp",
        "        const u64 word = words_[block / kWordBits] & map.idle_blocks()[block / kWordBits];\n",
        "        const u64 word = words_[block / kWordBits] | (map.idle_blocks()[block / kWordBits] & 0);\n",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: pages of the reserve lose their memory",
        "mm/percpu_memory/balance.cpp",
        "pages.count() > surplus)\n",
        "pages.count() > 2 * surplus)\n",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: pages without memory are still given out",
        "mm/percpu_memory/balance.cpp",
        "        chunk->population.depopulate(pages);\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the whole percpu store. Host tests judge them."""

from __future__ import annotations

from mutant import on_host

_PERCPU_STORE = (
    "tests/host/percpu_store/support/store_bed.cpp",
    "tests/host/percpu_store/support/store_machine.cpp",
    "tests/host/percpu_store/support/store_model.cpp",
    "tests/host/percpu_store/support/store_run.cpp",
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
        "percpu store model: a failed allocation keeps its place",
        "mm/percpu_memory/store.cpp",
        "    put({&place, 1});\n",
        "",
        PERCPU_STORE_FAILURE,
        "*InANewChunk*",
    ),
    on_host(
        "percpu store model: a chunk without memory for its maps keeps its addresses",
        "mm/percpu_memory/store.cpp",
        "        local_percpu_region().free(**area);\n",
        "",
        PERCPU_STORE_FAILURE,
        "*InANewChunk*",
    ),
    on_host(
        "percpu store model: the errors for memory and addresses are swapped",
        "mm/percpu_memory/store.cpp",
        "area.error() == VmError::NoMemory ?",
        "area.error() != VmError::NoMemory ?",
        PERCPU_STORE_FAILURE,
        "*Addresses*",
    ),
    on_host(
        "percpu store model: only the first run of missing pages is populated",
        "mm/percpu_memory/store.cpp",
        "        left.begin = missing.end;\n",
        "        left.begin = left.end;\n",
        PERCPU_STORE_FAILURE,
        "*FreesItsPlace*",
    ),
    on_host(
        "percpu store model: a new area keeps the mapped size of a destroyed chunk",
        "mm/percpu_memory/store.cpp",
        "    chunk->area->mapped = Bytes{0}; // a reused note may have the value of a destroyed chunk\n",
        "",
        PERCPU_STORE_FAILURE,
        "*AnyStep*",
    ),
    on_host(
        "percpu store model: balance() does not populate missed requests",
        "mm/percpu_memory/balance.cpp",
        "    make_missed_ready();\n",
        "",
        PERCPU_STORE_FAILURE,
        "*TheReserve*",
    ),
    on_host(
        "percpu store model: the smaller of two missed requests is noted",
        "mm/percpu_memory/store.cpp",
        "missed_->grains() < request.grains()",
        "missed_->grains() > request.grains()",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: take() returns places without memory",
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
        "percpu store model: the count of empty pages is not updated",
        "mm/percpu_memory/store.hpp",
        "total_ = total_ - before_ + chunk_.empty_pages();",
        "total_ = total_ - before_ + chunk_.empty_pages() * 0 + before_;",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: the empty pages of a destroyed chunk still count",
        "mm/percpu_memory/balance.cpp",
        "    empty_pages_ -= unlinked->empty_pages();\n",
        "",
        PERCPU_STORE,
        "*/few_units_with_failures",
    ),
    on_host(
        "percpu store model: a chunk in use is destroyed",
        "mm/percpu_memory/chunk.hpp",
        "return map.is_unused(); }",
        "return map.free_bytes() * 2 > map.allocatable_size(); }",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a chunk is destroyed without a wait for readers",
        "mm/percpu_memory/balance.cpp",
        "    if (unlinked != nullptr)\n        rcu::synchronize(); // INV-percpu_chunk-3\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a destroyed chunk keeps its pages",
        "mm/percpu_memory/balance.cpp",
        "        if (missing.begin != left.begin)\n"
        "            pages_.depopulate(chunk.base(), {left.begin, missing.begin});\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: a destroyed chunk keeps its addresses",
        "mm/percpu_memory/balance.cpp",
        "    local_percpu_region().free(*chunk.area);\n",
        "",
        PERCPU_STORE,
        "*/few_units",
    ),
    on_host(
        "percpu store model: a chunk with pages of the reserve is destroyed",
        "mm/percpu_memory/balance.cpp",
        "        if (empty_pages_ >= kReservePages + chunk->empty_pages() || chunk->empty_pages() == 0)\n",
        "",
        PERCPU_STORE_FAILURE,
        "*AnyStep*",
    ),
    on_host(
        "percpu store model: pages in use are depopulated",
        "mm/percpu_memory/population.cpp",
        "        const u64 word = words_[block / kWordBits] & map.idle_blocks()[block / kWordBits];\n",
        "        const u64 word = words_[block / kWordBits] | (map.idle_blocks()[block / kWordBits] & 0);\n",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: pages of the reserve are depopulated",
        "mm/percpu_memory/balance.cpp",
        "pages.count() > surplus)\n",
        "pages.count() > 2 * surplus)\n",
        PERCPU_STORE,
        "*/whole_window",
    ),
    on_host(
        "percpu store model: depopulated pages are still allocated",
        "mm/percpu_memory/balance.cpp",
        "        chunk->population.depopulate(pages);\n",
        "",
        PERCPU_STORE,
        "*/whole_window",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what only the simulated machine shows: the CPUs of an emulator have no weak order, and no TLBI
of theirs is ever unfinished."""

from __future__ import annotations

from mutant import on_host

VMALLOC = (
    "tests/host/explored/vmalloc_test.cpp",
    "tests/host/explored/support/explored_kernel.cpp",
    "mm/kernel_map/live_break.cpp",
    "tests/host/support/vm_area_notes.cpp",
    "kernel/lib/format.cpp",
    "mm/pages/page_blocks.cpp",
    "mm/vmalloc/vm_allocation.cpp",
    "mm/vmalloc/vm_freed.cpp",
    "mm/vmalloc/vm_mapping.cpp",
    "mm/vmalloc/vm_region.cpp",
    "mm/vmalloc/vm_spares.cpp",
    "mm/vmalloc/vmalloc.cpp",
)
FAULT = (
    "tests/host/explored/spurious_fault_test.cpp",
    "tests/host/explored/support/explored_kernel.cpp",
    "mm/kernel_map/live_break.cpp",
    "mm/kernel_map/spurious_fault.cpp",
)
MUTANTS = (
    # Freed areas.
    on_host(
        "freed areas: reused without a flush",
        "mm/vmalloc/vm_freed.cpp",
        "            batch.add_leaves({area->range.base, area->mapped}, KernelGeometry::kPageSize);",
        "            static_cast<void>(area);",
        VMALLOC,
        "*MemoryIsReused*",
    ),
    on_host(
        "freed areas: pages are freed before the flush",
        "mm/vmalloc/vm_allocation.cpp",
        "    clear_area(*area, area->mapped);\n    put_freed(*area);",
        "    clear_area(*area, area->mapped);\n    area->blocks.free_all();\n    put_freed(*area);",
        VMALLOC,
        "*OneCpuFlushes*",
    ),
    on_host(
        "freed areas: addresses are reused before the flush",
        "mm/vmalloc/vm_freed.cpp",
        "    const u64 counted = (area.mapped + kPerArea).count();\n    push(area);\n",
        "    const u64 counted = (area.mapped + kPerArea).count();\n    free_flushed(area);\n",
        VMALLOC,
        "*OneCpuFlushes*",
    ),
    on_host(
        "freed areas: an area can be taken before its descriptors are cleared",
        "mm/vmalloc/vm_allocation.cpp",
        "    clear_area(*area, area->mapped);\n    put_freed(*area);",
        "    put_freed(*area);\n    clear_area(*area, area->mapped);",
        VMALLOC,
        "*OneCpuFlushes*",
    ),
    on_host(
        "freed areas: the CPU that takes an area need not see its descriptors cleared",
        "mm/vmalloc/vm_freed.cpp",
        "freed.try_cmpxchg_release(first, &area)",
        "freed.try_cmpxchg(first, &area)",
        VMALLOC,
        "*OneCpuFlushes*",
    ),
    on_host(
        "freed areas: the list is taken by a relaxed exchange",
        "mm/vmalloc/vm_freed.cpp",
        "exchange(nullptr, std::memory_order_acquire)",
        "exchange(nullptr, std::memory_order_relaxed)",
        VMALLOC,
        "*OneCpuFlushes*",
    ),
    on_host(
        "vmalloc: a page is mapped and not published",
        "mm/page_table/leaf_mapper.hpp",
        "        env_.store(first_, Pte::leaf(page, kLastLevel, attributes));\n        env_.publish();\n",
        "        env_.store(first_, Pte::leaf(page, kLastLevel, attributes));\n",
        VMALLOC,
        "*AddressesAreUsedAgain*",
    ),
    # Faults that are over.
    on_host(
        "spurious faults: the walk may come before the look at the breaks",
        "mm/kernel_map/spurious_fault.cpp",
        "        arch::dsb<arch::Shareability::InnerShareable>();\n",
        "",
        FAULT,
        "*",
    ),
    on_host(
        "spurious faults: a break in progress is not waited for",
        "mm/kernel_map/spurious_fault.cpp",
        "live_breaks.begun.load(std::memory_order_acquire) == ended || this_cpu_breaks()",
        "ended == ended || this_cpu_breaks()",
        FAULT,
        "*",
    ),
    on_host(
        "live break: it ends before the new entries are published",
        "mm/page_table/leaf_editor.hpp",
        "        [[maybe_unused]] const auto announced = announce_break();\n",
        "        { [[maybe_unused]] const auto announced = announce_break(); }\n",
        FAULT,
        "*",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what only the simulated machine shows: the CPUs of an emulator have no weak order, and no TLBI
of theirs is ever unfinished."""

from __future__ import annotations

from mutant import on_host

SUPPORT = (
    "tests/host/explored/support/doubles.cpp",
    "tests/host/explored/support/explored_kernel.cpp",
)
VMALLOC = (
    "tests/host/explored/vmalloc_test.cpp",
    *SUPPORT,
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
    *SUPPORT,
    "mm/kernel_map/live_break.cpp",
    "mm/kernel_map/spurious_fault.cpp",
)
REPAINT = (
    "tests/host/explored/repaint_test.cpp",
    *SUPPORT,
    "tests/host/support/assembly_source.cpp",
    "kernel/wait/others_off_roots.cpp",
    "mm/kernel_map/live_break.cpp",
)
TEXT = (
    "tests/host/explored/text_test.cpp",
    *SUPPORT,
    "tests/host/caches/image.cpp",
    "tests/host/support/assembly_source.cpp",
    "arch/arm64/cpu/cache.cpp",
    "arch/arm64/percpu_modes/alternatives.cpp",
    "kernel/wait/stop_machine.cpp",
    "mm/kernel_map/live_break.cpp",
    "mm/kernel_map/writable_window.cpp",
)
CPU_LIFE = (
    "tests/host/explored/cpus/cpu_life_bed.cpp",
    "tests/host/explored/cpus/cpu_off_test.cpp",
    "tests/host/explored/cpus/cpu_return_test.cpp",
    *SUPPORT,
    "tests/host/support/assembly_source.cpp",
    "arch/arm64/cpu/cache.cpp",
    "arch/arm64/devices/power.cpp",
    "arch/arm64/devices/psci.cpp",
    "kernel/cpus/online.cpp",
    "kernel/hotplug/hotplug.cpp",
    "mm/kernel_map/live_break.cpp",
)
IDMAP = (
    "tests/host/explored/idmap_test.cpp",
    *SUPPORT,
    "tests/host/caches/image.cpp",
    "arch/arm64/mmu/idmap.cpp",
)
CACHE = "arch/arm64/include/arch/cpu/cache.hpp"
WINDOW = "mm/kernel_map/writable_window.cpp"
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
    # Text that is patched.
    on_host(
        "text on the machine: a CPU that was held executes what it had fetched before",
        "kernel/wait/stop_machine.cpp",
        "    arch::isb(); // the instructions that follow may have been patched meanwhile\n",
        "",
        TEXT,
        "*ACpuThatWasHeld*",
    ),
    on_host(
        "text on the machine: text is patched before the other CPUs are held",
        "kernel/wait/stop_machine.cpp",
        "    while (held.load(std::memory_order_acquire) != broadcast_.asked().size())\n"
        "        arch::relax();\n",
        "",
        TEXT,
        "*ACpuThatWasHeld*",
    ),
    on_host(
        "text on the machine: the caches of other CPUs keep the old instruction",
        CACHE,
        "        invalidate_instruction_line(at.raw());\n",
        "        static_cast<void>(at);\n",
        TEXT,
        "*",
    ),
    on_host(
        "text on the machine: a clean is not complete when another CPU fills its caches",
        CACHE,
        "    dsb<Shareability::InnerShareable>(); "
        "// instruction caches are filled with what was written\n",
        "",
        TEXT,
        "*",
    ),
    on_host(
        "writable window: two CPUs open it at the same time",
        WINDOW,
        "    window_lock.lock();\n",
        "",
        TEXT,
        "*EachOfTwoCpus*",
    ),
    on_host(
        "writable window: another CPU opens it while TLBs hold its old page",
        WINDOW,
        "    {\n        KernelTlbBatch batch{kernel_tables()};\n"
        "        const bool unmapped = master_table().unmap(kFixmapWritable, batch).has_value();\n"
        "        PERCIVAL_ASSERT(unmapped);\n    }\n    window_lock.unlock();\n",
        "    KernelTlbBatch batch{kernel_tables()};\n"
        "    const bool unmapped = master_table().unmap(kFixmapWritable, batch).has_value();\n"
        "    PERCIVAL_ASSERT(unmapped);\n    window_lock.unlock();\n",
        TEXT,
        "*EachOfTwoCpus*",
    ),
    on_host(
        "writable window: TLBs keep the page that was written last",
        "mm/page_table/tlb_batch.hpp",
        "        const u64 issued = invalidate();\n",
        "        const u64 issued = 0;\n",
        TEXT,
        "*",
    ),
    # CPUs that come and go.
    on_host(
        "cpu life: a CPU counts as off while it still uses its stack",
        "kernel/hotplug/hotplug.cpp",
        "    if (!wait_until([cpu] { return arch::is_off(cpu); }, kPatienceSeconds))\n"
        '        return std::unexpected{"the CPU is offline, but the firmware has not turned it off"};\n',
        "",
        CPU_LIFE,
        "*ACpuIsOffWhenItsStackIsFreed*",
    ),
    on_host(
        "cpu life: a CPU starts before the stores that prepared it are complete",
        "arch/arm64/devices/power.cpp",
        "    dsb<Shareability::FullSystem>();\n    if (parking::is_parked(cpu)) {",
        "    if (parking::is_parked(cpu)) {",
        CPU_LIFE,
        "*ComesBackUsesTodaysTables*",
    ),
    on_host(
        "cpu life: a CPU that comes back is given up",
        "kernel/hotplug/hotplug.cpp",
        "    set_starting(cpu);\n    if (const auto started",
        "    if (const auto started",
        CPU_LIFE,
        "*ComesBackUsesTodaysTables*",
    ),
    on_host(
        "cpu life: a flush is for the own CPU only",
        "mm/page_table/tlb_batch.hpp",
        "            arch::tlbi_page<Scope>(item.range.base + item.leaf_size * n, item.entries);",
        "            arch::tlbi_page<arch::TlbScope::ThisCpu>"
        "(item.range.base + item.leaf_size * n, item.entries);",
        CPU_LIFE,
        "*ACpuIsOffWhenItsStackIsFreed*:*AFlushEnds*",
    ),
    on_host(
        "idmap: TLBs keep it",
        "arch/arm64/mmu/idmap.cpp",
        "    flush_tlb_this_cpu();\n",
        "",
        IDMAP,
        "*",
    ),
    on_host(
        "idmap: walks may begin at the root before",
        "arch/arm64/mmu/idmap.cpp",
        "    isb();\n",
        "",
        IDMAP,
        "*",
    ),
    on_host(
        "repaint: the others are not waited for",
        "kernel/wait/others_off_roots.cpp",
        "        if (!found && !arch::is_off_root(cpu))",
        "        if (!found && cpu.index() == kMaxCpus)",
        REPAINT,
        "*CpusThatTolerate*",
    ),
    on_host(
        "repaint: the others stay on their roots",
        "arch/arm64/mmu/trampoline.S",
        "    msr     ttbr1_el1, x1               // no walk by its root any more\n",
        "",
        REPAINT,
        "*CpusThatTolerate*",
    ),
    on_host(
        "repaint: the others keep their TLBs",
        "arch/arm64/mmu/trampoline.S",
        "    tlbi    vmalle1                     // and no entry of it\n",
        "",
        REPAINT,
        "*CpusThatTolerate*",
    ),
    on_host(
        "repaint: the others say too early that they are off their roots",
        "arch/arm64/mmu/trampoline.S",
        "    tlbi    vmalle1                     // and no entry of it\n    dsb     nsh\n    isb\n"
        "    mov     w4, #1\n    stlrb   w4, [x2]\n",
        "    mov     w4, #1\n    stlrb   w4, [x2]\n"
        "    tlbi    vmalle1                     // and no entry of it\n    dsb     nsh\n    isb\n",
        REPAINT,
        "*CpusThatTolerate*",
    ),
    on_host(
        "repaint: only one of the others is waited for",
        "kernel/wait/others_off_roots.cpp",
        "        if (!found && !arch::is_off_root(cpu))",
        "        if (!found && cpu.index() == 1 && !arch::is_off_root(cpu))",
        REPAINT,
        "*CpusThatTolerate*",
    ),
    on_host(
        "repaint: a CPU may come meanwhile",
        "kernel/wait/others_off_roots.hpp",
        "    CpusStay cpus_stay_;\n",
        "",
        REPAINT,
        "*ACpuThatComesMeanwhile*",
    ),
    on_host(
        "repaint: no flush after the tables are linked",
        "mm/page_table/page_painter.hpp",
        "            return true;\n        });\n        batch.add_everything();\n"
        "        batch.flush();\n    }\n"
        "\nprivate:",
        "            return true;\n        });\n    }\n\nprivate:",
        REPAINT,
        "*CpusThatTolerate*",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the percpu areas, the percpu allocator and the this_cpu operations. Boots judge them."""

from __future__ import annotations

from mutant import by_boot, by_boot_of_one_mode, on_host

WIDE = ("tests/host/page_table/page_table_wide_blocks_test.cpp",)
NOTE_AFTER_DISTANCE = (
    "arch/arm64/include/arch/percpu/sequence.hpp",
    '    "strh %w[global], [" thread ", #8]\\n"                                                  \\\n'
    '    "mrs %[distance], tpidr_el1\\n"',
    '    "mrs %[distance], tpidr_el1\\n"                                                         \\\n'
    '    "strh %w[global], [" thread ", #8]\\n"',
)
MOVED_ANYWHERE = "hazard_migration.an_operation_moved_at_any_instruction_changes_the_copy_where_it_commits"

MUTANTS = (
    # The percpu areas.
    by_boot(
        "percpu area: the local window is not linked",
        "mm/roots/windows.cpp",
        "for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {",
        "for (u64 entry = KernelLayout::kWindowEntries; entry < KernelLayout::kWindowEntries; ++entry) {",
        "roots.*",
    ),
    by_boot(
        "percpu area: all windows show CPU 0's slab",
        "mm/roots/windows.cpp",
        "    const VirtRange slab{local_to_global(kWindow.base, cpu), KernelLayout::kSlabSize};",
        "    const VirtRange slab{local_to_global(kWindow.base, kBootCpu), KernelLayout::kSlabSize};",
        "roots.*",
    ),
    # The percpu allocator.
    by_boot(
        "percpu pages: the global addresses are not flushed",
        "mm/percpu_memory/pages.cpp",
        "    batch.add_leaves({local_to_global(page_address(base, pages.begin), cpu), kPage * "
        "pages.count()}, kPage);\n",
        "    static_cast<void>(batch);\n",
        "percpu_population.*faults_on_every_cpu*",
        cpu="neoverse-n1",
    ),
    by_boot(
        "percpu pages: the local address is not flushed",
        "mm/percpu_memory/pages.cpp",
        "        batch.add_leaves({page_address(base, pages.begin), kPage * pages.count()}, kPage);\n",
        "",
        "percpu_population.*faults_on_every_cpu*",
        cpu="neoverse-n1",
    ),
    by_boot(
        "percpu pages: the last CPU's unit is not populated",
        "mm/percpu_memory/pages.cpp",
        "cpu < possible_cpu_count(); ++cpu) {\n"
        "        for (u32 page = pages.begin; page < pages.end; ++page) {",
        "cpu + 1 < possible_cpu_count(); ++cpu) {\n"
        "        for (u32 page = pages.begin; page < pages.end; ++page) {",
        "percpu_population.memory_is_mapped*",
    ),
    by_boot(
        "percpu pages: a failure keeps the pages mapped so far",
        "mm/percpu_memory/pages.cpp",
        "            remove_everywhere(base, pages);\n            return false;",
        "            return false;",
        "percpu_failure.*",
    ),
    by_boot(
        "percpu pages: a page that could not be mapped is not freed",
        "mm/percpu_memory/pages.cpp",
        "        if (found.kind() != PteKind::Leaf)\n            free_page(page->data);",
        "        static_cast<void>(found);",
        "percpu_failure.a_table_for_a_page*",
    ),
    by_boot(
        "percpu zero: only the boot CPU's copy is zeroed",
        "mm/percpu_memory/zero.hpp",
        "const u64 end = at + (u64{possible_cpu_count()} << mm::KernelLayout::kSlabShift);",
        "const u64 end = at + (u64{1} << mm::KernelLayout::kSlabShift);",
        "percpu_allocator.memory_*",
    ),
    by_boot(
        "percpu allocator: sizes without a class are not zeroed",
        "mm/percpu_memory/allocator.cpp",
        "        zero_any_size(*place, request.size());\n",
        "",
        "percpu_allocator.memory_*",
    ),
    by_boot(
        "percpu allocator: a free does not clear the tag",
        "mm/percpu_memory/allocator.cpp",
        "chunk->tag_of(local).exchange(kNoTag, std::memory_order_acq_rel)",
        "chunk->tag_of(local).load(std::memory_order_relaxed)",
        "percpu_wrong_free.a_second_free*",
    ),
    by_boot(
        "percpu chunk: there are no tags behind the first units",
        "mm/percpu_memory/chunk.cpp",
        "unit.align_up(kUnit) / kGrain",
        "unit / kGrain",
        "percpu_wrong_free.places_behind*,percpu_query.*",
    ),
    by_boot(
        "percpu stock: an empty magazine goes to the depot",
        "mm/percpu_memory/stock.cpp",
        "if (magazine->contents.count != 0)",
        "if (magazine != nullptr)",
        "percpu_interrupted.*",
    ),
    by_boot(
        "percpu stock: a refill always fills the stock",
        "mm/percpu_memory/stock.cpp",
        "std::clamp<u64>(4096 / size_class.size().count(), 1, Stock::kMax)",
        "std::clamp<u64>(size_class.size().count(), Stock::kMax, Stock::kMax)",
        "percpu_population.a_stock_leaves*",
    ),
    by_boot(
        "percpu store: the reserve is not filled",
        "mm/percpu_memory/balance.cpp",
        "    while (empty_pages() < kReservePages) {",
        "    while (empty_pages() < 1) {",
        "percpu_population.*reserve*",
    ),
    by_boot(
        "percpu store: a missed request is not noted",
        "mm/percpu_memory/allocator.cpp",
        "        store().note_missed(request);\n",
        "",
        "percpu_population.a_request_that*",
    ),
    by_boot(
        "percpu store: the count of empty pages is not updated",
        "mm/percpu_memory/store.hpp",
        "total_ = total_ - before_ + chunk_.empty_pages();",
        "total_ = total_ - before_ + chunk_.empty_pages() * 0 + before_;",
        "percpu_population.*",
    ),
    by_boot(
        "percpu store: unused chunks are not destroyed",
        "mm/percpu_memory/balance.cpp",
        "    destroy_unused();\n    while",
        "    while",
        "percpu_population.unused_chunks*",
    ),
    by_boot(
        "hotplug: a start that failed is the last one",
        "kernel/cpus/online.cpp",
        "(state == CpuState::Gone || state == CpuState::LeftOut) &&",
        "state == CpuState::Gone &&",
        "hotplug.a_start_that_failed*",
    ),
    by_boot(
        "system errors: a new thread does not take them",
        "kernel/sched/thread_switch.cpp",
        "    arch::unmask_thread_exceptions(); //",
        "    arch::unmask_interrupts(); //",
        "interrupts.every_thread_takes_system_errors*",
    ),
    by_boot(
        "hotplug: a CPU that goes offline keeps its percpu stock",
        "kernel/hotplug/hotplug.cpp",
        "    percpu::drain_stocks();\n",
        "",
        "percpu_hotplug.*",
    ),
    by_boot(
        "restart: an operation interrupted before its commit is not restarted",
        "arch/arm64/percpu_modes/restart.cpp",
        "    return pc - sequence.begin() < sequence.length ? sequence.begin() : pc;",
        "    return pc - sequence.begin() < sequence.length ? pc : pc;",
        MOVED_ANYWHERE,
        append="percpu=restart",
    ),
    by_boot(
        "restart: an exception return restores x18 after a migration",
        "arch/arm64/exceptions/vectors.S",
        "    ldr     x19, [sp, #16 * 9 + 8]      // x18 is the CPU's: arch/percpu/register.hpp",
        "    ldp     x18, x19, [sp, #16 * 9]",
        MOVED_ANYWHERE,
        append="percpu=restart",
    ),
    by_boot(
        "fixup: the note is stored after the distance is read",
        *NOTE_AFTER_DISTANCE,
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: the note is cleared before the operation",
        "arch/arm64/include/arch/percpu/site.hpp",
        '        "4: " operation reload PERCIVAL_FIXUP_CLEAR("%x[scratch]") "b 3b\\n"',
        '        PERCIVAL_FIXUP_CLEAR("%x[scratch]") "4: " operation reload "b 3b\\n"',
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: an exception does not rewrite the distance",
        "arch/arm64/include/arch/percpu_modes/fixup.hpp",
        "    registers.x[note.distance()] = distance;\n",
        "",
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: an exception does not rewrite the sum",
        "arch/arm64/include/arch/percpu_modes/fixup.hpp",
        "    registers.x[note.sum()] = registers.x[note.address()] + distance;\n",
        "",
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: the registers are rewritten for the CPU on which the exception came",
        "arch/arm64/traps/interrupts.cpp",
        "    switch_at_interrupt_return();\n"
        "    restart_percpu_operation(registers);\n"
        "    noted.resume(registers);\n",
        "    noted.resume(registers);\n"
        "    switch_at_interrupt_return();\n"
        "    restart_percpu_operation(registers);\n",
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: a synchronous exception forgets the note",
        "arch/arm64/traps/exceptions.cpp",
        "    if (handle_breakpoint(registers)) {\n        noted.resume(registers);\n",
        "    if (handle_breakpoint(registers)) {\n",
        MOVED_ANYWHERE,
        append="percpu=fixup",
    ),
    by_boot(
        "fixup: a fault that is over forgets the note",
        "arch/arm64/traps/exceptions.cpp",
        "        restart_percpu_operation(registers);\n        noted.resume(registers);\n",
        "        restart_percpu_operation(registers);\n",
        "fixup_fault.*",
    ),
    by_boot(
        "fixup: an exception leaves the note to its own operations",
        "arch/arm64/include/arch/percpu_modes/fixup.hpp",
        "        preemption().percpu_note = 0;\n",
        "",
        "fixup.*",
    ),
    by_boot_of_one_mode(
        "fixup",
        "fixup in line: the note is stored after the distance is read",
        *NOTE_AFTER_DISTANCE,
        MOVED_ANYWHERE,
    ),
    by_boot_of_one_mode(
        "fixup",
        "fixup in line: the note is cleared before the operation",
        "arch/arm64/include/arch/percpu/in_line.hpp",
        'PERCIVAL_BEGIN_ATOMIC "1: b 2f\\n3:\\n" PERCIVAL_END_ATOMIC',
        'PERCIVAL_BEGIN_ATOMIC PERCIVAL_END_ATOMIC "1: b 2f\\n3:\\n"',
        MOVED_ANYWHERE,
    ),
    by_boot_of_one_mode(
        "fixup",
        "fixup in line: the result of a load may replace the thread pointer",
        "arch/arm64/include/arch/percpu/in_line.hpp",
        '#elif PERCIVAL_PERCPU_IN_LINE == 2 // fixup\n#define PERCIVAL_PERCPU_RESULT "=&r"',
        '#elif PERCIVAL_PERCPU_IN_LINE == 2 // fixup\n#define PERCIVAL_PERCPU_RESULT "=r"',
        "*",
    ),
    by_boot_of_one_mode(
        "restart",
        "restart in line: an operation that has committed starts over",
        "arch/arm64/include/arch/percpu_modes/restart.hpp",
        "    return is_add_to_x18(*reinterpret_cast<const u32*>(pc - sizeof(u32)));",
        "    return is_add_to_x18(*reinterpret_cast<const u32*>(pc - sizeof(u32))) ||\n"
        "           is_add_to_x18(*reinterpret_cast<const u32*>(pc - 2 * sizeof(u32)));",
        MOVED_ANYWHERE,
    ),
    by_boot_of_one_mode(
        "restart",
        "restart in line: an operation that has not committed continues",
        "arch/arm64/include/arch/percpu_modes/restart.hpp",
        "            interrupted.pc -= sizeof(u32);\n",
        "",
        MOVED_ANYWHERE,
    ),
    by_boot_of_one_mode(
        "restart",
        "restart in line: the table covers one instruction after the commit",
        "arch/arm64/include/arch/percpu/sequence.hpp",
        '".long 8b - 4b\\n" ',
        '".long 8b - 4b + 4\\n" ',
        "emitted_in_line.a_restart_sequence*",
    ),
    by_boot_of_one_mode(
        "guarded",
        "guarded in line: the thread may move before the operation",
        "arch/arm64/include/arch/percpu/in_line.hpp",
        'PERCIVAL_COUNT_UP("%[thread]") "mrs %[global], tpidr_el1\\n"',
        '"mrs %[global], tpidr_el1\\n" PERCIVAL_COUNT_UP("%[thread]")',
        MOVED_ANYWHERE,
    ),
    by_boot(
        "this_cpu: only the low half of a pair is compared",
        "arch/arm64/include/arch/percpu/ops.hpp",
        "ccmp %[high], x1, #0, eq",
        "ccmp %[high], %[high], #0, eq",
        "this_cpu.*",
    ),
    by_boot(
        "percpu mode: the linker's veneers are not kept",
        "kernel/percpu/mode.cpp",
        "    arch::keep_veneers();\n",
        "",
        "emitted_code.*",
    ),
    by_boot(
        "vm_freed: an area is published by a relaxed exchange",
        "mm/vmalloc/vm_freed.cpp",
        "freed.try_cmpxchg_release(first, &area)",
        "freed.try_cmpxchg(first, &area)",
        "emitted_code.*",
    ),
    by_boot(
        "stop_machine: CPUs can come online while the machine is stopped",
        "kernel/wait/stop_machine.hpp",
        "    CpusStay cpus_stay_;\n",
        "",
        "stop_machine.*",
    ),
    by_boot(
        "stop_machine: the count of held CPUs is not reset",
        "kernel/wait/stop_machine.cpp",
        "    held.store(0, std::memory_order_relaxed);\n",
        "",
        "stop_machine.*",
    ),
    by_boot(
        "root seal: sealing leaves the range writable",
        "mm/roots/seal.cpp",
        "    return master_table().protect(range, kReadOnlyData, batch);",
        "    return master_table().protect(range, kData, batch);",
        "roots.*",
    ),
    by_boot(
        "TLBI by range: not issued",
        "arch/arm64/include/arch/mmu/tlb.hpp",
        'asm volatile("sys #0, c8, c2, #7, %0" : : "r"(operand) : "memory"); // RVAALE1IS',
        'asm volatile("" : : "r"(operand) : "memory");',
        "page_table.*",
    ),
    on_host(
        "geometry: wide blocks are used without 52-bit addresses",
        "mm/address_space/geometry.hpp",
        "            return VaBits == 52 && wide_blocks;",
        "            return VaBits == 52;",
        WIDE,
        "*AreNotUsedWhereTheMachine*",
    ),
)

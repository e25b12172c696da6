# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of barriers and of the scope of TLB invalidations, which no emulator misses."""

from __future__ import annotations

from mutant import by_emitted_order

MUTANTS = (
    by_emitted_order(
        "order: an interrupt is sent before the stores it is about",
        "arch/arm64/devices/gic_v3.cpp",
        "    dsb<Shareability::InnerShareable, Access::Store>();\n" "    sgi.write();",
        "    sgi.write();",
    ),
    by_emitted_order(
        "order: a GICv2 sends an interrupt before the stores it is about",
        "arch/arm64/devices/gic_v2.cpp",
        "        dsb<Shareability::InnerShareable, Access::Store>();\n"
        "        distributor_.write32(kSendSgi",
        "        distributor_.write32(kSendSgi",
    ),
    by_emitted_order(
        "order: a BCM2836 sends an interrupt before the stores it is about",
        "arch/arm64/devices/bcm2836.cpp",
        "    dsb<Shareability::InnerShareable, Access::Store>();\n"
        "    local_.write32(mailbox_of(kMailboxSet",
        "    local_.write32(mailbox_of(kMailboxSet",
    ),
    by_emitted_order(
        "order: a handler misses what the sender stored",
        "arch/arm64/devices/gic_v3.cpp",
        "    dsb<Shareability::FullSystem>();\n" "    return {intid, intid};",
        "    return {intid, intid};",
    ),
    by_emitted_order(
        "order: an event wakes a CPU before its entry is in memory",
        "arch/arm64/devices/power.cpp",
        "    dsb<Shareability::FullSystem>(); // completes the store before the event that wakes the CPU\n",
        "",
    ),
    by_emitted_order(
        "order: an idle CPU never takes its pending interrupts",
        "kernel/sched/idle_thread.cpp",
        "        arch::isb();\n",
        "",
    ),
    by_emitted_order(
        "order: a CPU starts before the stores of the one that starts it",
        "arch/arm64/devices/power.cpp",
        "    dsb<Shareability::FullSystem>();\n    if (parking",
        "    if (parking",
    ),
    by_emitted_order(
        "order: a released CPU executes instructions that it fetched before",
        "kernel/wait/stop_machine.cpp",
        "    arch::isb(); // the instructions that follow may have been patched meanwhile\n",
        "",
    ),
    by_emitted_order(
        "order: a CPU is held before its stores",
        "kernel/wait/stop_machine.cpp",
        "held.fetch_add(1, std::memory_order_release);",
        "held.fetch_add(1, std::memory_order_relaxed);",
    ),
    by_emitted_order(
        "order: the CPU that holds others reads before they are held",
        "kernel/wait/stop_machine.cpp",
        "held.load(std::memory_order_acquire) != ",
        "held.load(std::memory_order_relaxed) != ",
    ),
    by_emitted_order(
        "order: CPUs are released before the stores made meanwhile",
        "kernel/wait/stop_machine.cpp",
        "release.store(true, std::memory_order_release);",
        "release.store(true, std::memory_order_relaxed);",
    ),
    by_emitted_order(
        "order: the walk after a spurious fault may be earlier than the look for breaks",
        "mm/kernel_map/spurious_fault.cpp",
        "arch::dsb<arch::Shareability::InnerShareable>();",
        "arch::dmb<arch::Shareability::InnerShareable>();",
    ),
    by_emitted_order(
        "order: a break is not announced before it begins",
        "mm/kernel_map/live_break.cpp",
        "    arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();\n",
        "",
    ),
    by_emitted_order(
        "order: patched text is not written back before it is fetched",
        "arch/arm64/include/arch/cpu/cache.hpp",
        "    dsb<Shareability::InnerShareable>(); // instruction caches are filled with what was written\n"
        "    const u64 line = u64{1} << lines.instruction;",
        "    const u64 line = u64{1} << lines.instruction;",
    ),
    by_emitted_order(
        "order: patched text may still be fetched from an instruction cache",
        "arch/arm64/include/arch/cpu/cache.hpp",
        "    dsb<Shareability::InnerShareable>();\n" "    isb();",
        "    isb();",
    ),
    by_emitted_order(
        "order: the old root fills the TLB after it was emptied",
        "arch/arm64/mmu/trampoline.S",
        "    msr     ttbr1_el1, x1\n" "    isb\n",
        "    msr     ttbr1_el1, x1\n",
    ),
    by_emitted_order(
        "order: a new root is used before the TLB is empty",
        "arch/arm64/mmu/trampoline.S",
        "    isb\n" "    tlbi    vmalle1\n" "    dsb     nsh\n" "    isb\n",
        "    isb\n" "    tlbi    vmalle1\n" "    isb\n",
    ),
    by_emitted_order(
        "order: a parked CPU looks for an entry before it tells that it is parked",
        "arch/arm64/devices/parking.S",
        "    dsb     sy\n" "1:",
        "1:",
    ),
    by_emitted_order(
        "order: a translation is read before it is made",
        "arch/arm64/mmu/root_switch.cpp",
        "    isb();\n" "    dmb",
        "    dmb",
    ),
    by_emitted_order(
        "order: the invalidation for one CPU is not complete when it is relied on",
        "arch/arm64/include/arch/mmu/tlb.hpp",
        '    asm volatile("tlbi vmalle1" ::: "memory");\n' "    dsb<Shareability::NonShareable>();\n",
        '    asm volatile("tlbi vmalle1" ::: "memory");\n',
    ),
    by_emitted_order(
        "order: pages are invalidated on one CPU only",
        "arch/arm64/include/arch/mmu/tlb.hpp",
        "tlbi vaale1is, %0",
        "tlbi vaale1, %0",
    ),
    by_emitted_order(
        "order: the TLBI that an erratum adds is not broadcast",
        "arch/arm64/include/arch/mmu/tlb.hpp",
        "tlbi vale1is, xzr",
        "tlbi vale1, xzr",
    ),
    by_emitted_order(
        "order: a flush does not wait for its stores",
        "mm/page_table/tlb_batch.hpp",
        "        arch::dsb<kShareability>();\n" "        const u64 issued",
        "        const u64 issued",
    ),
    by_emitted_order(
        "order: a flush waits for the stores only",
        "mm/page_table/tlb_batch.hpp",
        "        const u64 issued = invalidate();\n" "        arch::dsb<kShareability>();",
        "        const u64 issued = invalidate();\n"
        "        arch::dsb<kShareability, arch::Access::Store>();",
    ),
    by_emitted_order(
        "order: the TLBI that an erratum adds is not waited for",
        "mm/page_table/tlb_batch.hpp",
        "        arch::tlbi_again();\n" "        arch::dsb<kShareability>();\n",
        "        arch::tlbi_again();\n",
    ),
    by_emitted_order(
        "order: a published descriptor may still fault",
        "mm/kernel_map/live_tables.hpp",
        "        arch::isb();\n",
        "",
    ),
)

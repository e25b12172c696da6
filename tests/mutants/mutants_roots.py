# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of sealed roots, root synchronization, and spurious faults."""

from __future__ import annotations

from mutant import by_boot, on_host

ROOT_SYNC = ("tests/host/roots/root_sync_test.cpp",)
INTERLEAVED_SYNC = ("tests/host/page_table/interleaving_sync_test.cpp",)

MUTANTS = (
    # Sealing and synchronization of roots.
    by_boot(
        "root seal: the master can be written through the image",
        "mm/roots/seal.cpp",
        "    if (auto result = make_read_only({in_image, kPage}, batch); !result)\n        return result;\n",
        "",
        "roots.*",
    ),
    by_boot(
        "root seal: the master can be written through the linear map",
        "mm/roots/seal.cpp",
        "    return make_read_only({linear_address(table), kPage}, batch);",
        "    return {};",
        "roots.*",
    ),
    on_host(
        "root sync: no DSB",
        "mm/roots/sync.hpp",
        "        roots_.publish();\n",
        "",
        ROOT_SYNC,
        "*AllEntriesArePublished*",
    ),
    on_host(
        "root sync: no lock",
        "mm/roots/sync.hpp",
        "        IrqSpinGuard guard{lock_};\n",
        "",
        INTERLEAVED_SYNC,
        "InterleavingTest.RootsAreSynchronized*",
    ),
    on_host(
        "root sync: the local window is overwritten",
        "mm/address_space/layout.hpp",
        "        const u64 count = level == kPrivateLevel ? kWindowEntries : 1;",
        "        const u64 count = level == kPrivateLevel ? 0 : 1;",
        ROOT_SYNC,
        "*TheWindowAndEveryPartOfIt*",
    ),
    on_host(
        "root sync: the entry behind the window is left out too",
        "mm/address_space/layout.hpp",
        "        if (index >= first && index - first < count)",
        "        if (index >= first && index - first <= count)",
        ROOT_SYNC,
        "*AcrossTheEndOfTheWindow*",
    ),
    on_host(
        "root sync: the entries that lead to the window are overwritten",
        "mm/address_space/layout.hpp",
        "        const u64 count = level == kPrivateLevel ? kWindowEntries : 1;",
        "        const u64 count = level == kPrivateLevel ? kWindowEntries : 0;",
        ROOT_SYNC,
        "*TheWindowAndEveryPartOfIt*",
    ),
    on_host(
        "root sync: the last CPU is left out",
        "mm/roots/sync.hpp",
        "cpu < roots_.cpus(); ++cpu",
        "cpu + 1 < roots_.cpus(); ++cpu",
        ROOT_SYNC,
        "*APossibleCpuThatIsOffline*",
    ),
    on_host(
        "root sync: an entry that differs is overwritten",
        "mm/roots/sync.hpp",
        "            return std::unexpected{RootSyncError::Differs};",
        "            roots_.write(table, index, entry);",
        ROOT_SYNC,
        "*AForeignEntryIsReported*",
    ),
    by_boot(
        "root sync: only the boot CPU gets the entry",
        "mm/roots/sync.cpp",
        "{ return possible_cpu_count(); }",
        "{ return 1; }",
        "root_sync.*",
    ),
    # Spurious faults.
    by_boot(
        "spurious fault: never retried",
        "arch/arm64/traps/exceptions.cpp",
        "    return mm::is_spurious({VirtAddr{registers.pc}, VirtAddr{registers.far},"
        " is_write_abort(registers.esr)});",
        "    return registers.pc == 0;",
        "spurious_fault.a_live_run*",
    ),
    by_boot(
        "spurious fault: breaks are not announced",
        "mm/page_table/leaf_editor.hpp",
        "            return typename Env::Break{};",
        "            return nullptr;",
        "spurious_fault.a_live_run*",
    ),
    by_boot(
        "spurious fault: does not wait for breaks",
        "mm/kernel_map/spurious_fault.cpp",
        "        if (live_breaks.begun.load(std::memory_order_acquire) == ended || this_cpu_breaks() ||",
        "        if (ended != ~u64{0} ||",
        "spurious_fault.a_live_run*",
    ),
    by_boot(
        "spurious fault: waits for a break for ever",
        "mm/kernel_map/spurious_fault.cpp",
        "++looks_ > kMaxLooksPerBreak ||",
        "(++looks_ == 0 && kMaxLooksPerBreak != 0) ||",
        "spurious_fault.a_break_that_never_ends*",
    ),
    by_boot(
        "spurious fault: one limit for all breaks together",
        "mm/kernel_map/spurious_fault.cpp",
        "            looks_ = 0;\n",
        "",
        "spurious_fault.consecutive_breaks_are_waited_for",
    ),
    by_boot(
        "spurious fault: retried for ever",
        "mm/kernel_map/spurious_fault.cpp",
        "    return ++last.retries <= kMaxRetries;",
        "    return ++last.retries != 0;",
        "spurious_fault.a_retry*",
    ),
    by_boot(
        "spurious fault: a write is judged as a read",
        "mm/kernel_map/spurious_fault.cpp",
        "    return fault.is_write ? ",
        "    return fault.pc == VirtAddr{1} ? ",
        "spurious_fault.a_write*",
    ),
    by_boot(
        "repaint: the second part of the linear map stays in blocks",
        "mm/linear/repaint.cpp",
        "        for (PreparedPart& part : parts)\n            part.paint(painter, batch);\n",
        "        parts[0].paint(painter, batch);\n",
        "repaint.every_page_of_ram_is_as_it_was_and_a_page_on_each_cpu",
    ),
    by_boot(
        "linear clone: later changes of the linear map reach it",
        "mm/linear/clone.cpp",
        " || !linear_region().overlaps(served_by(level, index)))",
        " || served_by(level, index).size != Bytes{0})",
        "linear_clone.*",
    ),
)

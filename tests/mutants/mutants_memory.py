# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of locks, pages and areas of addresses."""

from __future__ import annotations

from mutant import by_boot, on_host

SPINLOCK = ("tests/host/sync/spinlock_test.cpp",)
EARLY = ("tests/host/physical/early_memory_test.cpp", "mm/physical/early_memory.cpp")
WINDOW = ("tests/host/kernel_map/linear_window_test.cpp", "mm/kernel_map/linear_window.cpp")
RELEASE = (
    *("tests/host/device_tree/release_address_test.cpp", "kernel/device_tree/release_address.cpp"),
    *("kernel/device_tree/error.cpp", "kernel/lib/format.cpp"),
)
BUDDY = ("tests/host/physical/buddy_test.cpp", "mm/physical/buddy.cpp")
PAGES = ("tests/host/page_table/page_table_pages_test.cpp",)
TREE = ("tests/host/lib/address_tree_test.cpp",)
REGION = (
    "tests/host/vmalloc/vm_region_test.cpp",
    "tests/host/support/vm_area_notes.cpp",
    "mm/vmalloc/vm_region.cpp",
)

MUTANTS = (
    # Locks and memory.
    on_host(
        "spinlock: taking it always succeeds",
        "kernel/sync/spinlock.hpp",
        "        return held_.load(std::memory_order_relaxed) == 0 &&\n"
        "               held_.exchange(1, std::memory_order_acquire) == 0;",
        "        held_.store(1, std::memory_order_relaxed);\n        return true;",
        SPINLOCK,
        "*",
    ),
    on_host(
        "spinlock: a CPU does not wait for a held lock",
        "kernel/sync/spinlock.hpp",
        "        while (!take())\n            arch::relax();\n",
        "        static_cast<void>(take());\n",
        SPINLOCK,
        "SpinLockTest/0.AHeldLockIsWaitedFor",
    ),
    on_host(
        "spinlock: interrupts stay unmasked under an IrqSpinGuard",
        "kernel/sync/spinlock.hpp",
        "    arch::InterruptMask masked_; // declared first:"
        " interrupts come back after the lock is given back\n",
        "",
        SPINLOCK,
        "SpinGuardTest.*",
    ),
    on_host(
        "linear window: the image may be outside",
        "mm/kernel_map/linear_window.cpp",
        "    if (image.end() > start && image.end() - start > size)\n"
        "        start = (image.end() - size).align_up(alignment);\n",
        "",
        WINDOW,
        "LinearWindow.ends_with_the_image_if_that_lies_too_high",
    ),
    on_host(
        "linear window: a hole in the image's memory is not seen",
        "mm/kernel_map/linear_window.cpp",
        "        if (bank.range.base.align_up(page) <= found_to)\n    ",
        "    ",
        WINDOW,
        "LinearWindow.an_image_is_in_memory_only_as_a_whole",
    ),
    on_host(
        "linear window: memory outside of it is kept",
        "mm/kernel_map/linear_window.cpp",
        "std::min(bank.range.end(), window.end())",
        "bank.range.end()",
        WINDOW,
        "LinearWindow.banks_are_cut_to_it_and_the_rest_is_counted",
    ),
    on_host(
        "release address: one outside of memory is written to",
        "kernel/device_tree/release_address.cpp",
        "    if (!std::ranges::any_of(machine.memory.span(), is_written) &&\n",
        "    if (false && !std::ranges::any_of(machine.memory.span(), is_written) &&\n",
        RELEASE,
        "ReleaseAddress.must_not_be_outside_of_memory",
    ),
    on_host(
        "release address: one in the image is written to",
        "kernel/device_tree/release_address.cpp",
        "    if (image.overlaps(written))\n",
        "    if (false && image.overlaps(written))\n",
        RELEASE,
        "ReleaseAddress.must_not_be_in_the_image",
    ),
    on_host(
        "early memory: a reservation is ignored",
        "mm/physical/early_memory.cpp",
        "            complete = cut(at, range) && complete;",
        "            complete = complete && at < free_.size();",
        EARLY,
        "*",
    ),
    on_host(
        "early memory: allocated memory stays free",
        "mm/physical/early_memory.cpp",
        "    if (!best || !cut(*best, {best_base, size}))",
        "    if (!best)",
        EARLY,
        "EarlyMemory.allocates_from_the_top_down",
    ),
    on_host(
        "buddy: an allocated block stays on its list",
        "mm/physical/buddy.cpp",
        "    remove(index, found);\n",
        "",
        BUDDY,
        "*",
    ),
    on_host(
        "buddy: a block is merged with a buddy that is in use",
        "mm/physical/buddy.cpp",
        "        if (!descriptors_[buddy].load().is(PageUse::Free, order))\n            break;\n",
        "",
        BUDDY,
        "*",
    ),
    # Areas of addresses.
    by_boot(
        "vmalloc: no guard page",
        "mm/vmalloc/vm_region.cpp",
        "region{KernelLayout::kVmalloc, KernelGeometry::kPageSize}",
        "region{KernelLayout::kVmalloc, Bytes{0}}",
        "vmalloc.*",
    ),
    by_boot(
        "vmalloc: a wrong alignment is refused only if there is no spare area",
        "mm/vmalloc/vm_allocation.hpp",
        "(alignment.count() & (alignment.count() - 1)) == 0 &&",
        "",
        "vmalloc.*",
    ),
    by_boot(
        "ioremap: an address beyond the descriptors is mapped to another address",
        "mm/vmalloc/vmap.cpp",
        "    if (!has_descriptors({start, size}))\n        return std::unexpected{VmError::BadAddress};\n",
        "",
        "vmap.*",
    ),
    on_host(
        "region: an area that is not in use can be claimed",
        "mm/vmalloc/vm_region.cpp",
        "area == nullptr || !area->is(VmState::Used) || area->kind != kind",
        "area == nullptr || area->kind != kind",
        REGION,
        "*AClaimNeedsBase*",
    ),
    on_host(
        "region: an area of another kind can be claimed",
        "mm/vmalloc/vm_region.cpp",
        "area == nullptr || !area->is(VmState::Used) || area->kind != kind",
        "area == nullptr || !area->is(VmState::Used)",
        REGION,
        "*AClaimNeedsBase*",
    ),
    on_host(
        "region: a free area does not merge with the one behind it",
        "mm/vmalloc/vm_region.cpp",
        "        merge(*hole, *after);",
        "        static_cast<void>(after);",
        REGION,
        "*ExhaustedRegion*",
    ),
    on_host(
        "region: a new area keeps the slots of an old one",
        "mm/vmalloc/vm_region.cpp",
        "    hole.slots = nullptr; // the note may have been used for other addresses\n",
        "",
        REGION,
        "*ReusedNoteForgets*",
    ),
    on_host(
        "region: the first of two notes leaks if the second cannot be made",
        "mm/vmalloc/vm_region.cpp",
        "        delete_area_note(low);\n",
        "",
        REGION,
        "*OnlyOneOfTwoNotes*",
    ),
    on_host(
        "region: holes that fit only because of their alignment are not found",
        "mm/vmalloc/vm_region.cpp",
        "    if (!has(areas_.root(), size))\n        return nullptr;\n",
        "    return nullptr;\n",
        REGION,
        "*AHoleThatFitsOnly*",
    ),
    on_host(
        "tree: never balanced",
        "kernel/lib/address_tree.hpp",
        "        if (lean(node) > 1) {",
        "        if (lean(node) > 100) {",
        TREE,
        "*",
    ),
    on_host(
        "tree: a successor takes over without its new summary",
        "kernel/lib/address_tree.hpp",
        "        refresh(successor);\n",
        "",
        TREE,
        "*",
    ),
    on_host(
        "slots: a run is recognized by its first and last page only",
        "mm/page_table/leaf_mapper.hpp",
        " && are_neighbours(pages.first(kRun));",
        ";",
        PAGES,
        "*EveryRunAmongThePages*",
    ),
    on_host(
        "slots: the runs of a block are counted from its first slot",
        "mm/page_table/leaf_mapper.hpp",
        "        fill_with_runs<G>(writer, {first_, index, count, kLastLevel}, block, attributes);\n",
        "        fill_with_runs<G>(writer, {first_, index & 0, count, kLastLevel}, block, attributes);\n",
        PAGES,
        "*KnownSlotsMapABlock*",
    ),
    on_host(
        "slots: a block is mapped and not published",
        "mm/page_table/leaf_mapper.hpp",
        "{first_, index, count, kLastLevel}, block, attributes);\n        env_.publish();\n",
        "{first_, index, count, kLastLevel}, block, attributes);\n",
        PAGES,
        "*KnownSlotsMapABlock*",
    ),
    on_host(
        "slots: mapped pages are not published",
        "mm/page_table/leaf_mapper.hpp",
        "        fill(index, pages, attributes);\n        env_.publish();",
        "        fill(index, pages, attributes);",
        PAGES,
        "*KnownSlots*",
    ),
    on_host(
        "engine: pages are mapped over valid entries",
        "mm/page_table/leaf_mapper.hpp",
        "        if (!table->is_new && count_invalid(first, limit, kLastLevel) != limit)",
        "        if (!table->is_new && limit == 0)",
        PAGES,
        "*NoPageIsMappedIfOneAddress*",
    ),
)

# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the audit of mappings, of data that is read-only after init, and of guarded objects."""

from __future__ import annotations

from mutant import by_boot, on_host

FLAWS = ("tests/host/page_table/mapping_flaw_test.cpp",)
SLOTS = ("tests/host/guarded_objects/guarded_slots_test.cpp",)
GUARDED = "guarded_objects.*"

MUTANTS = (
    # The audit.
    on_host(
        "audit: a writable alias is not looked for",
        "mm/page_table/mapping_flaw.hpp",
        "        if (!memory.overlaps({run.to, run.range.size}))",
        "        if (!memory.overlaps({run.to, Bytes{0}}))",
        FLAWS,
        "*AWritableAlias*",
    ),
    on_host(
        "audit: a writable alias is reported at the start of its run",
        "mm/page_table/mapping_flaw.hpp",
        "{run.range.base + (first - run.to), size}",
        "{run.range.base, size}",
        FLAWS,
        "*AWritableAliasIsFoundAtItsAddress*",
    ),
    on_host(
        "audit: a writable and executable page passes",
        "mm/page_table/mapping_flaw.hpp",
        "    if (run.rights.executable)",
        "    if (run.rights.executable && run.rights.user)",
        FLAWS,
        "*AWritableAndExecutablePage*",
    ),
    on_host(
        "audit: read-only pages may be open to user mode",
        "mm/page_table/mapping_flaw.hpp",
        "    if (run.rights.user)",
        "    if (run.rights.user && run.rights.writable)",
        FLAWS,
        "*APageOpenToUserMode*",
    ),
    on_host(
        "audit: what a root has of its own is not looked at",
        "mm/page_table/dump.hpp",
        "                runs_of(own, level, at, into);",
        "                runs_of(other, level, at, into);",
        FLAWS,
        "*TheOwnPartOfARoot*",
    ),
    by_boot(
        "audit: only the master is audited",
        "mm/roots/mapping_audit.cpp",
        "        audit_own_part(auditor, CpuId{cpu});",
        "        static_cast<void>(&audit_own_part);",
        "mapping_audit.*",
    ),
    by_boot(
        "audit: the reserved root and the idmap are not audited",
        "mm/roots/mapping_audit.cpp",
        "    audit_boot_roots(auditor);",
        "    static_cast<void>(&audit_boot_roots);",
        "mapping_audit.*",
    ),
    by_boot(
        "audit: a writable window that was left open passes",
        "mm/roots/mapping_audit.cpp",
        "    if (!writable_window_is_left_open())",
        "    if (writable_window_is_left_open())",
        "mapping_audit.*",
    ),
    by_boot(
        "audit: private tables may have a writable alias",
        "mm/roots/mapping_audit.cpp",
        "    add(private_tables());\n",
        "",
        "mapping_audit.*",
    ),
    by_boot(
        "audit: data of init may have a writable alias",
        "mm/roots/mapping_audit.cpp",
        "    if (init_data_is_sealed())",
        "    if (!init_data_is_sealed())",
        "mapping_audit.*",
    ),
    by_boot(
        "rights: a page that user mode may only execute passes for closed",
        "arch/arm64/include/arch/mmu/pte.hpp",
        "UserAccess::of(raw_) != 0 || user_executes};",
        "UserAccess::of(raw_) != 0};",
        "mapping_audit.*",
    ),
    by_boot(
        "audit: an open writable window counts as left open",
        "mm/kernel_map/writable_window.cpp",
        "    if (!window_lock.try_lock()) // a view exists",
        "    if (window_lock.try_lock())",
        "mapping_audit.*",
    ),
    # Data that is read-only after init.
    by_boot(
        "read-only after init: only in the image",
        "mm/kernel_map/ro_after_init.cpp",
        "        const bool done = master_table().protect(range, kReadOnlyData, batch).has_value();",
        "        const Attributes attributes = range == in_image ? kReadOnlyData : kData;\n"
        "        const bool done = master_table().protect(range, attributes, batch).has_value();",
        "ro_after_init.*",
    ),
    by_boot(
        "read-only after init: only in the linear map",
        "mm/kernel_map/ro_after_init.cpp",
        "        const bool done = master_table().protect(range, kReadOnlyData, batch).has_value();",
        "        const Attributes attributes = range == in_image ? kData : kReadOnlyData;\n"
        "        const bool done = master_table().protect(range, attributes, batch).has_value();",
        "ro_after_init.*",
    ),
    by_boot(
        "read-only after init: nothing is sealed",
        "kernel/init/main.cpp",
        "    mm::seal_init_data();\n",
        "",
        "ro_after_init.*",
    ),
    by_boot(
        "fault report: data of init has no name",
        "kernel/report/fault_address.cpp",
        "    if (mm::init_data_is_sealed() && ",
        "    if (!mm::init_data_is_sealed() && ",
        "ro_after_init.*",
    ),
    # Guarded objects.
    on_host(
        "guarded slots: an object begins where its page begins",
        "mm/guarded_objects/guarded_slots.hpp",
        "    VirtAddr object_of(u32 slot) const { return page_of(slot) + (page_ - slots_[slot].object); }",
        "    VirtAddr object_of(u32 slot) const { return page_of(slot); }",
        SLOTS,
        "*AnObjectEndsWhereItsPageEnds*",
    ),
    on_host(
        "guarded slots: no quarantine",
        "mm/guarded_objects/guarded_slots.hpp",
        "    void retire(u32 slot) { push_back(slot); }",
        "    void retire(u32 slot)\n    {\n        put_back(slot);\n"
        "        slots_[slot].state = SlotState::Freed;\n    }",
        SLOTS,
        "*AFreedSlotIsUsedAgainOnlyAfter*",
    ),
    on_host(
        "guarded slots: a slot without a page goes to the end",
        "mm/guarded_objects/guarded_slots.hpp",
        "        slots_[slot].next = first_;\n"
        "        if (first_ == kNone)\n"
        "            last_ = slot;\n"
        "        first_ = slot;\n",
        "        push_back(slot);\n",
        SLOTS,
        "*ASlotWhosePageCouldNotBeMapped*",
    ),
    on_host(
        "guarded slots: put back into an empty queue, the slot is not its last",
        "mm/guarded_objects/guarded_slots.hpp",
        "        if (first_ == kNone)\n            last_ = slot;\n",
        "",
        SLOTS,
        "*ASlotThatIsPutBackIntoAnEmptyQueue*",
    ),
    on_host(
        "guarded slots: a second free is a free",
        "mm/guarded_objects/guarded_slots.hpp",
        "        if (slots_[*slot].state == SlotState::Freed)\n",
        "        if (false)\n",
        SLOTS,
        "*ASecondFree*",
    ),
    on_host(
        "guarded slots: a free with a wrong size is a free",
        "mm/guarded_objects/guarded_slots.hpp",
        "slots_[*slot].object != size ||",
        "",
        SLOTS,
        "*AFreeOfAnythingBut*",
    ),
    on_host(
        "guarded slots: an address in the guard page is one of the object",
        "mm/guarded_objects/guarded_slots.hpp",
        "address >= page_of(*slot) + page_};",
        "address >= page_of(*slot) + page_ * 2};",
        SLOTS,
        "*AnAddressLeadsToItsObject*",
    ),
    by_boot(
        "guarded objects: the page of a freed object stays mapped",
        "mm/guarded_objects/guarded_objects.cpp",
        "    unmap_page_of(*claimed);\n",
        "    static_cast<void>(&unmap_page_of);\n",
        GUARDED,
        append="objects.guard",
    ),
    by_boot(
        "guarded objects: who freed an object is noted as its allocator",
        "mm/guarded_objects/guarded_objects.cpp",
        "place->slot->allocated, place->slot->freed};",
        "place->slot->freed, place->slot->freed};",
        GUARDED,
        append="objects.guard",
    ),
    by_boot(
        "guarded objects: without slots an allocation fails",
        "mm/objects/small_objects.cpp",
        "    if (object_cache(object_class).take(object_class, {&object, 1}) == 0)",
        "    if (object_cache(object_class).take(object_class, {&object, 1}) != 0)",
        GUARDED,
        append="objects.guard",
    ),
)

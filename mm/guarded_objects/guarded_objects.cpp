// SPDX-License-Identifier: BSD-2-Clause
#include "mm/guarded_objects/guarded_objects.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/fault_address.hpp"
#include "kernel/sync/spinlock.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/guarded_objects/guarded_slots.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/object_cache_checks.hpp"
#include "mm/objects/object_guard.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_region.hpp"

#include <algorithm>
#include <memory>

namespace percival::mm {
namespace {

using Slots = GuardedSlots<arch::SavedBacktrace>;

constexpr Bytes kPage = KernelGeometry::kPageSize;

// At most a quarter of memory goes into guarded objects, and the records of the slots stay small.
constexpr u64 kMaxSlots = 16384, kMinSlots = 64;
constexpr u64 kShareOfMemory = 4;

constinit SpinLock lock;
constinit Slots slots PERCIVAL_GUARDED_BY(lock){};

std::optional<u32> take_slot(Bytes size)
{
    const arch::SavedBacktrace by = arch::save_backtrace();
    const IrqSpinGuard guard{lock};
    return slots.take(size, by);
}

// Returns the page of a slot, which is the caller's. Its place never changes, so no lock is needed.
VirtAddr page_of(u32 slot) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    return slots.page_of(slot);
}

bool map_page_of(u32 slot)
{
    const auto page = allocate_page();
    if (!page)
        return false;
    if (master_table().map({page_of(slot), kPage}, *page, kData))
        return true;
    free_page(*page);
    return false;
}

// Makes the page of a slot invalid for every CPU, and frees the memory.
void unmap_page_of(u32 slot)
{
    const VirtAddr at = page_of(slot);
    const PhysAddr page = master_table().walk(at).pte.address();
    {
        KernelTlbBatch batch{kernel_tables()};
        const bool unmapped = master_table().unmap({at, kPage}, batch).has_value();
        PERCIVAL_ASSERT(unmapped); // the slot was live, so its page was mapped
    }
    free_page(page);
}

void* allocate(ObjectClass object_class)
{
    const auto slot = take_slot(object_class.size());
    if (!slot)
        return nullptr;
    if (!map_page_of(*slot)) {
        const IrqSpinGuard guard{lock};
        slots.put_back(*slot);
        return nullptr;
    }
    object_pages_taken.add(1);
    // SAFETY: the page of the slot is mapped and the caller's, and the object lies at its end.
    return reinterpret_cast<void*>((page_of(*slot) + (kPage - object_class.size())).raw());
}

bool free(void* object, ObjectClass object_class)
{
    const VirtAddr at = address_of(object);
    const arch::SavedBacktrace by = arch::save_backtrace();
    std::expected<u32, WrongFree> claimed{0};
    {
        const IrqSpinGuard guard{lock};
        if (!slots.contains(at))
            return false;
        claimed = slots.claim(at, object_class.size(), by);
    }
    if (!claimed) {
        report_wrong_object(object, object_class,
                            claimed.error() == WrongFree::Freed ? "is free already"
                                                                : "is no object of this size");
        return true;
    }
    unmap_page_of(*claimed);
    object_pages_returned.add(1);
    const IrqSpinGuard guard{lock};
    slots.retire(*claimed); // only now can it be taken again (INV-guarded_slots-1)
    return true;
}

constexpr ObjectGuard kGuard{&allocate, &free};

std::string_view name_of(GuardedFaultKind kind)
{
    switch (kind) {
    case GuardedFaultKind::UseAfterFree:
        return "use after free";
    case GuardedFaultKind::BehindObject:
        return "access behind the end of an object";
    case GuardedFaultKind::BehindFreedObject:
        return "access behind the end of an object that is free";
    }
    return "?";
}

void print_guarded_fault(VirtAddr address)
{
    const auto fault = guarded_fault_at(address);
    if (!fault)
        return;
    print("  {}: an object of {} at {}", name_of(fault->kind), fault->size, fault->object);
    if (fault->kind != GuardedFaultKind::BehindObject) {
        print("freed by:");
        arch::print_backtrace(fault->freed);
    }
    print("allocated by:");
    arch::print_backtrace(fault->allocated);
}

constexpr FaultExplainer kExplainer{&print_guarded_fault};

} // namespace

std::expected<u64, VmError> guard_small_objects(Bytes memory, u32 cpus)
{
    const u64 count = std::clamp(memory.count() / kShareOfMemory / kPage.count(), kMinSlots, kMaxSlots);
    // The area stays reserved for good: nobody else knows its addresses. It has all its tables from now on,
    // so that an object costs its page and nothing else.
    const auto area = vmalloc_region().allocate(Slots::addresses_for(count, kPage), kPage);
    if (!area)
        return std::unexpected{area.error()};
    if (!master_table().ensure_tables((*area)->range, kLastLevel.up()))
        return std::unexpected{VmError::NoMemory};
    const auto records = allocate_pages(order_for(Bytes{sizeof(Slots::Slot)} * count, kPage));
    if (!records)
        return std::unexpected{VmError::NoMemory};
    auto* first = linear_pointer<Slots::Slot>(*records);
    std::uninitialized_value_construct_n(first, count);
    {
        const IrqSpinGuard guard{lock};
        slots.start({first, count}, (*area)->range.base, kPage);
    }
    install_object_guard(kGuard, cpus);
    set_fault_explainer(kExplainer);
    return count;
}

u64 guarded_slot_count() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    return slots.count();
}

// Takes no lock: the code that faulted may hold it, and the slot of a wild pointer may change meanwhile.
std::optional<GuardedFault> guarded_fault_at(VirtAddr address) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    const auto place = slots.find(address);
    if (!place)
        return std::nullopt;
    const bool is_freed = place->slot->state == SlotState::Freed;
    if (!is_freed && !place->is_behind_object)
        return std::nullopt; // the page is valid
    const GuardedFaultKind kind = !place->is_behind_object ? GuardedFaultKind::UseAfterFree
                                  : is_freed               ? GuardedFaultKind::BehindFreedObject
                                                           : GuardedFaultKind::BehindObject;
    return GuardedFault{kind, place->object, place->slot->object, place->slot->allocated, place->slot->freed};
}

} // namespace percival::mm

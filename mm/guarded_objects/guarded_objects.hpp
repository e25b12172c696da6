// SPDX-License-Identifier: BSD-2-Clause
// Guarded objects (boot argument `objects.guard`): each small object lies on a page of its own, at its end,
// with an invalid page behind it. A freed object's page becomes invalid at once, and its addresses are used
// again only after all others (mm/guarded_objects/guarded_slots.hpp). So an access after the free and one
// beyond the end fault, and the report names the object and who allocated and freed it.
//
// The pages are mapped at addresses of vmalloc and not in the linear map: those can be made invalid on every
// machine and with blocks in the linear map too, and a page whose addresses are in quarantine is free for
// other use. An object is as large as its size class, so an access between the size that was asked for and
// that of the class is not found.
//
// When there is no page, or all slots are live, an object comes from the slabs as usual and is not guarded.
#pragma once

#include "arch/backtrace/backtrace.hpp"
#include "kernel/lib/address.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

// Guards all small objects that are allocated from now on. Returns how many there can be at a time, which
// depends on `memory`, the size of RAM. `cpus` is the number of possible CPUs. Boot CPU, once, before any
// other CPU runs. Errors: NoMemory, NoAddresses; the boot cannot go on after one.
std::expected<u64, VmError> guard_small_objects(Bytes memory, u32 cpus);

// Returns how many objects can be guarded at a time; 0 if objects are not guarded. Any context.
u64 guarded_slot_count();

enum class GuardedFaultKind : u8 { UseAfterFree, BehindObject, BehindFreedObject };

// What is known of the object that a faulting address belongs to. `freed` is meaningful only if it is freed.
struct GuardedFault {
    GuardedFaultKind kind;
    VirtAddr object;
    Bytes size;
    arch::SavedBacktrace allocated;
    arch::SavedBacktrace freed;
};

// Explains a fault at `address`. Returns nothing if no guarded object makes it plain. Any context, a panic
// included.
std::optional<GuardedFault> guarded_fault_at(VirtAddr address);

} // namespace percival::mm

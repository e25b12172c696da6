// SPDX-License-Identifier: BSD-2-Clause
// The kernel's stacks: one per possible CPU, for its idle thread, and one for every other thread, each
// between guard pages. Besides these there are the boot stack in the image and the overflow stack in each
// CPU's percpu area.
//
// INV-stacks-1: a stack, once mapped, stays mapped: the stack of a thread that has ended serves another
//               thread. So nothing has to be flushed when a thread ends, and a backtrace can read every stack
//               it finds.
#pragma once

#include "arch/threads/stack_size.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>
#include <optional>

namespace percival {

// Maps a stack for every CPU, with memory of the CPU's own NUMA node, and one for the boot thread. Boot CPU,
// once, before setup_percpu_areas() seals the roots. Error: NoMemory.
std::expected<void, mm::MapError> make_cpu_stacks(const MachineDescription& machine);

// Return the stack of the idle thread of `cpu`, and the stack of the boot thread. Any context, after
// make_cpu_stacks().
VirtRange cpu_stack(CpuId cpu);
VirtRange boot_thread_stack();

// Returns a stack for a thread, or nothing if there is no memory or there are too many threads. Any context
// but interrupt handlers, once the page allocator has started.
std::optional<VirtRange> allocate_thread_stack();

// Frees a stack from allocate_thread_stack() that no thread uses any more. The same contexts.
void free_thread_stack(VirtRange stack);

// Returns the stack that contains `address`, without its guard pages, or nothing if the kernel knows no such
// stack. Takes no lock and touches nothing that could fault. Any context, a panic and the watchdog's
// interrupt included.
std::optional<VirtRange> stack_containing(VirtAddr address);

} // namespace percival

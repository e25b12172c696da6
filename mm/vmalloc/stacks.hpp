// SPDX-License-Identifier: BSD-2-Clause
// The kernel's stacks: one per possible CPU, for its idle thread, and one for every other thread, each between
// guard pages, besides the boot stack in the image and the overflow stack in each CPU's percpu area.
//
// INV-stacks-1: a stack once mapped stays mapped: that of a thread that has ended serves the next one. So
//               nothing has to be flushed when a thread ends, and a backtrace can trust what it finds.
#pragma once

#include "arch/threads/stack_size.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>
#include <optional>

namespace percival {

// Maps a stack for every CPU, with memory of its own NUMA node. Boot CPU, once, before setup of the roots is sealed.
std::expected<void, mm::MapError> make_cpu_stacks(const MachineDescription& machine);

// The stack of a CPU's idle thread, and that of the boot thread. After make_cpu_stacks().
VirtRange cpu_stack(CpuId cpu);
VirtRange boot_thread_stack();

// A stack for a thread; nothing: no memory, or too many threads. Once the page allocator has started; any
// context but interrupt handlers.
std::optional<VirtRange> allocate_thread_stack();
void free_thread_stack(VirtRange stack);

// The stack that contains `address`, guard pages left out; nothing when it is in no stack the kernel knows.
// Any context, a panic and the watchdog's interrupt included: takes no lock, touches nothing that could
// fault.
std::optional<VirtRange> stack_containing(VirtAddr address);

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The kernel's stacks: one per possible CPU, each between guard pages, besides the boot stack in the image
// and the overflow stack in each CPU's percpu area.
#pragma once

#include "arch/stack_size.hpp"
#include "kernel/types.hpp"
#include "mm/address.hpp"
#include "mm/mapping.hpp"

#include <expected>
#include <optional>

namespace percival {

// Maps a stack for each of CPUs 0 to cpus-1. Boot CPU, once, before setup of the roots is sealed.
std::expected<void, mm::MapError> make_cpu_stacks(u32 cpus);

// A CPU's stack. After make_cpu_stacks().
VirtRange cpu_stack(CpuId cpu);

// The stack that contains `address`, guard pages left out; nothing when it is in no stack the kernel knows.
// Any context, a panic and the watchdog's interrupt included: takes no lock, touches nothing that could
// fault.
std::optional<VirtRange> stack_containing(VirtAddr address);

} // namespace percival

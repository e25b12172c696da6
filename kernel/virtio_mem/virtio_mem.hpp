// SPDX-License-Identifier: BSD-2-Clause
// Lets the machine change its memory at run time: finds the first virtio-mem device of the machine's PCI
// hosts, and starts a thread that makes the kernel's RAM as large as the device requests
// (kernel/virtio_mem/memory_follower.hpp). What it does, and why it leaves something alone, is printed.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"

#include <optional>

namespace percival {

// Looks for the device, and at its first request. Boot CPU, once, when threads can be started.
void start_virtio_mem(const MachineDescription& machine);

// What the thread has done so far.
struct VirtioMemProgress {
    Bytes unit{};      // memory comes and goes in multiples of this
    Bytes requested{}; // by the device, when the thread looked last
    Bytes added{};     // RAM that is there because of it
};

// Returns the progress; nothing if there is no device, or if it was given up. Any context.
std::optional<VirtioMemProgress> virtio_mem_progress();

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Bringing CPUs up: moves the boot CPU to its own root, and starts the others.
//
// INV-bring_up-1: before anything is written to a release address, every CPU that polls it has its boot
//                 record and is marked as starting. Many spin tables have one release address for all CPUs.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival {

// Switches the boot CPU to its own root and percpu data, and marks it online. Boot CPU, once, after
// mm::setup_percpu_areas() and start_features(). Also after prepare_percpu_mode(), because it executes sites
// of this_cpu operations, and one root has no local addresses.
void adopt_boot_cpu();

// Starts all other CPUs of the machine at the same time and waits until each one is online or the time limit
// has passed. A CPU that does not come up, or lacks features that are in use already, is reported and left
// out. Those of the boot argument cpus.later are not started. Boot CPU, once, interrupts unmasked.
void bring_up_secondaries(const MachineDescription& machine);

// Starts the CPUs of cpus.later one after the other, and prints what becomes of each. In a thread, once,
// after finalise_features().
void bring_up_later_cpus();

// Starts a CPU that is off and marked as starting (set_starting()). Returns once the request is accepted, not
// once the CPU runs. The error is a sentence for the console.
std::expected<void, std::string_view> start_cpu(CpuId cpu);

} // namespace percival

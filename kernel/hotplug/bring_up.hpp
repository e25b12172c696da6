// SPDX-License-Identifier: BSD-2-Clause
// CPUs that come up: the boot CPU onto its own root, the others from their first instruction on.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival {

// Puts the boot CPU on its own root and percpu data, and marks it online. Once, after
// mm::setup_percpu_areas().
void adopt_boot_cpu();

// Starts every other CPU of the machine, all at the same time, and waits until each runs or has used up its
// time. One that does not come up is reported and left out for good. Boot CPU, once, interrupts unmasked.
void bring_up_secondaries(const MachineDescription& machine);

// Starts a CPU that is off and returns once the request is accepted. An error is a sentence for the console.
std::expected<void, std::string_view> start_cpu(CpuId cpu);

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Starting a CPU that is off, by the firmware, a spin table or a mailbox. Process context: either on the boot
// CPU during bring-up, or with `cpus_change` held.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival {

// Starts `cpu` at the physical address `entry` with its MMU off. Returns once the request is accepted, not
// once the CPU runs. The error is a sentence for the console.
std::expected<void, std::string_view> power_on(CpuId cpu, PhysAddr entry);

} // namespace percival

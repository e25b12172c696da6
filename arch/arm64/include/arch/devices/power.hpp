// SPDX-License-Identifier: BSD-2-Clause
// Turning CPUs on and the machine off: PSCI (Arm DEN 0022) by HVC or SMC, spin tables, semihosting exit.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <optional>
#include <string_view>

namespace percival::arch {

// Remembers the conduit. Boot CPU, once.
void power_init(PsciConduit conduit);

// Returns where a CPU in the firmware's spin table looks for an entry address; nothing if start_cpu() starts
// it.
std::optional<PhysAddr> spin_table_release_address(CpuId cpu);

// Releases a CPU from its spin table: it goes on at the physical address `entry`, MMU off. `release_address`
// is mapped as device memory.
void release_from_spin_table(Mmio release_address, PhysAddr entry);

// Starts a CPU that is off and in no spin table at the physical address `entry`, MMU off. Returns once the
// request is accepted, not once the CPU runs. The error is a sentence for the console.
std::expected<void, std::string_view> start_cpu(CpuId cpu, PhysAddr entry);

// Turning CPUs off and finding them off, where start_cpu() can start them again: by PSCI, or, since a spin
// table has no way back, by waiting in the kernel's idmap.
bool can_turn_off(CpuId cpu);
// Interrupts masked; nothing of this CPU's state is kept.
[[noreturn]] void turn_off_this_cpu();
bool is_off(CpuId cpu);

// Turns the machine off through PSCI SYSTEM_OFF; returns if that cannot be done.
void power_off();

// Ends the emulator or debugger session with `status` through semihosting SYS_EXIT_EXTENDED (0x20). Only when
// asked for: without a semihosting host the HLT is an Undefined Instruction exception.
[[noreturn]] void semihosting_exit(u32 status);

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Turns CPUs on and off, and turns the machine off or resets it: by PSCI (Arm DEN 0022) through HVC or SMC,
// by spin tables, by the parking protocol of ACPI, and by semihosting exit.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <optional>
#include <string_view>

namespace percival::arch {

// Remembers the conduit, and for PSCI 0.1 the number of CPU_ON; else `v01_cpu_on` is 0, and the firmware is
// asked for its PSCI version. The question may be an Undefined Instruction exception: if it is abandoned
// then, there is no PSCI. Returns whether there is PSCI. Boot CPU, once, or again after there was none.
bool power_init(PsciConduit conduit, u32 v01_cpu_on);

// Returns the address at which a CPU in the firmware's spin table looks for its entry address. Returns
// nothing if the CPU is started otherwise.
std::optional<PhysAddr> spin_table_release_address(CpuId cpu);

// Releases a CPU from its spin table. The CPU continues at the physical address `entry`, MMU off.
// `release_address` is mapped as device memory.
void release_from_spin_table(Mmio release_address, PhysAddr entry);

// Returns the address of the mailbox of a CPU that the firmware has parked ("Multi-processor Startup for ARM
// Platforms", version 1.1, which ACPI names the parking protocol). Returns nothing if the CPU is started
// otherwise.
std::optional<PhysAddr> firmware_mailbox(CpuId cpu);

// Writes into the mailbox of a CPU, mapped as device memory, that it continues at the physical address
// `entry`, MMU off, once wake_parked_cpu() has woken it (arch/devices/interrupt_controller.hpp). A mailbox is
// a page (kParkingMailbox). The error is a sentence for the console: the firmware has not set the mailbox up,
// so nothing was written.
std::expected<void, std::string_view> write_to_mailbox(CpuId cpu, Mmio mailbox, PhysAddr entry);

// Starts a CPU, which is off and neither in a spin table nor parked by the firmware, at the physical address
// `entry`, MMU off. Returns once the request is accepted; the CPU may not run yet. The error is a sentence
// for the console.
std::expected<void, std::string_view> start_cpu(CpuId cpu, PhysAddr entry);

// CPUs can be turned off such that start_cpu() can start them again. A CPU goes off by PSCI, or waits in the
// kernel's idmap if the firmware does not take it: a spin table takes no CPU back, and PSCI not the one CPU
// on which a Trusted OS lives.

// Returns whether `cpu` can be turned off and started again.
bool can_turn_off(CpuId cpu);
// Turns this CPU off and keeps nothing of its state. Needs no this_cpu operation.
[[noreturn]] void turn_off_this_cpu();
// Returns whether `cpu` has gone off.
bool is_off(CpuId cpu);

// Turns the machine off through PSCI SYSTEM_OFF. Returns if the firmware cannot do that.
void power_off();

// Resets the machine through PSCI SYSTEM_RESET or SYSTEM_RESET2. Returns if the firmware cannot do that.
void reset_by_firmware();

// Ends the emulator or debugger session with `status` through semihosting SYS_EXIT_EXTENDED (0x20). Only for
// runs that ask for it: without a semihosting host the HLT is an Undefined Instruction exception.
[[noreturn]] void semihosting_exit(u32 status);

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// PSCI, the firmware's power interface (Arm DEN 0022F). Only arch/arm64/devices/power.cpp uses it. Any
// context.
//
// In version 0.1 each firmware chooses its own function numbers, and the tree names them. That version has no
// function that tells its number or whether a CPU is off, and none that turns the machine off or resets it.
// Only CPU_ON is used: nobody could know when a CPU has executed CPU_OFF.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <optional>
#include <string_view>

namespace percival::arch {

class Psci {
public:
    constexpr Psci() = default;
    constexpr Psci(PsciConduit conduit, u32 v01_cpu_on) : conduit_{conduit}, v01_cpu_on_{v01_cpu_on} {}

    // Returns whether CPU_ON has the number used here: the tree names it, or the firmware's version is at
    // least 0.2.
    bool is_usable() const;
    bool is_v01() const { return v01_cpu_on_ != 0; }
    // Starts a CPU at `entry` with `context` in x0. The error is a sentence for the console.
    std::expected<void, std::string_view> cpu_on(u64 mpidr, PhysAddr entry, u64 context) const;
    // Turn the calling CPU or the machine off. They return only if the firmware refuses. Not with version
    // 0.1.
    void cpu_off() const;
    void system_off() const;
    // Resets the machine by SYSTEM_RESET, or by SYSTEM_RESET2 if the firmware has only that. Returns only if
    // the firmware refuses. Not with version 0.1.
    void system_reset() const;
    // Returns whether the firmware reports the CPU as off. Not with version 0.1.
    bool is_off(u64 mpidr) const;
    // Returns the affinity of the CPU on which a Trusted OS for one CPU lives, if there is one and the
    // firmware names its CPU. CPU_OFF is denied there (DEN 0022F, "MIGRATE_INFO_TYPE").
    std::optional<u64> trusted_os_cpu() const;

private:
    u64 call(u32 function, u64 argument1 = 0, u64 argument2 = 0, u64 argument3 = 0) const;
    // The same for functions with a 32-bit result, which is negative for an error.
    s32 status(u32 function, u64 argument1 = 0, u64 argument2 = 0, u64 argument3 = 0) const;

    PsciConduit conduit_{PsciConduit::None};
    u32 v01_cpu_on_{0};
};

} // namespace percival::arch

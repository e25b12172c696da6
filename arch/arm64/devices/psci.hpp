// SPDX-License-Identifier: BSD-2-Clause
// PSCI, the firmware's power interface, version 0.2 and later (Arm DEN 0022F). Only
// arch/arm64/devices/power.cpp uses it. Any context.
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
    constexpr explicit Psci(PsciConduit conduit) : conduit_{conduit} {}

    // Returns whether the firmware's version is at least 0.2, so that CPU_ON and SYSTEM_OFF have the numbers
    // used here. PSCI 0.1 defines no numbers: every firmware chose its own.
    bool is_usable() const;
    // Starts a CPU at `entry` with `context` in x0. The error is a sentence for the console.
    std::expected<void, std::string_view> cpu_on(u64 mpidr, PhysAddr entry, u64 context) const;
    // Turn the calling CPU or the machine off. They return only if the firmware refuses.
    void cpu_off() const;
    void system_off() const;
    // Returns whether the firmware reports the CPU as off.
    bool is_off(u64 mpidr) const;
    // Returns the affinity of the CPU on which a Trusted OS for one CPU lives, if there is one and the
    // firmware names its CPU. CPU_OFF is denied there (DEN 0022F, "MIGRATE_INFO_TYPE").
    std::optional<u64> trusted_os_cpu() const;

private:
    u64 call(u32 function, u64 argument1 = 0, u64 argument2 = 0, u64 argument3 = 0) const;
    // The same for functions with a 32-bit result, which is negative for an error.
    s32 status(u32 function, u64 argument1 = 0, u64 argument2 = 0, u64 argument3 = 0) const;

    PsciConduit conduit_{PsciConduit::None};
};

} // namespace percival::arch

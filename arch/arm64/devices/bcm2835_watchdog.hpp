// SPDX-License-Identifier: BSD-2-Clause
// Driver of the watchdog in the power management block of a BCM2835 and its successors. It counts down ticks
// of 1/65536 s. Every write needs the password in bits 31:24; without it the write is ignored.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

class Bcm2835Watchdog {
public:
    explicit Bcm2835Watchdog(Mmio registers) : registers_{registers} {}

    bool is_armed() const { return OnExpiry::of(registers_.read32(kResetControl)) == kFullReset; }
    void stop() const { act_on_expiry(0); }
    void kick() const { write(kTime, Ticks::kMax); }
    void start_reset() const
    {
        write(kTime, kTicksToReset);
        act_on_expiry(kFullReset);
    }

private:
    static constexpr u32 kResetControl = 0x1c; // PM_RSTC
    static constexpr u32 kTime = 0x24;         // PM_WDOG
    static constexpr u32 kPassword = 0x5a00'0000;
    using OnExpiry = Field<5, 4>; // WRCFG
    using Ticks = Field<19, 0>;
    static constexpr u32 kFullReset = 2;
    static constexpr u32 kTicksToReset = 16;

    // Keeps the other bits, which belong to the firmware.
    void act_on_expiry(u32 action) const
    {
        const u64 others = Field<23, 0>::of(registers_.read32(kResetControl));
        write(kResetControl, OnExpiry::in(others, action));
    }
    void write(u32 offset, u64 value) const
    {
        registers_.write32(offset, kPassword | static_cast<u32>(value));
    }

    Mmio registers_;
};

} // namespace percival::arch

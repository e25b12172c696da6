// SPDX-License-Identifier: BSD-2-Clause
// Driver of the Cadence watchdog of Zynq and Zynq UltraScale+ (UG585 and UG1087, "System Watchdog Timer").
// Each register takes a write only with its key.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

class CadenceWatchdog {
public:
    explicit CadenceWatchdog(Mmio registers) : registers_{registers} {}

    bool is_armed() const
    {
        const u32 mode = registers_.read32(kMode);
        return Enable::of(mode) != 0 && ResetEnable::of(mode) != 0;
    }
    void stop() const { set_mode(Enable::in(mode(), 0)); }
    void kick() const { registers_.write32(kRestart, kRestartKey); }
    void start_reset() const
    {
        stop(); // the time is changed only while the watchdog is off
        // Start value 0 (the lowest 12 bits of the counter are always ones) and a prescaler of 8.
        registers_.write32(kControl, kControlKey);
        // A pulse of length 0 would be too short to reset anything, so the lengths are those after power-on.
        set_mode(kModeAfterPowerOn | Enable::kMask | ResetEnable::kMask);
        kick(); // starts from the new value
    }

private:
    static constexpr u32 kMode = 0x0;    // ZMR
    static constexpr u32 kControl = 0x4; // CCR
    static constexpr u32 kRestart = 0x8;
    static constexpr u32 kModeKey = 0xabc << 12;
    static constexpr u32 kControlKey = 0x248 << 14;
    static constexpr u32 kRestartKey = 0x1999;
    static constexpr u32 kModeAfterPowerOn = 0x1c2;
    using Enable = Field<0>;
    using ResetEnable = Field<1>;

    u64 mode() const { return Field<11, 0>::of(registers_.read32(kMode)); }
    void set_mode(u64 mode) const { registers_.write32(kMode, kModeKey | static_cast<u32>(mode)); }

    Mmio registers_;
};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Driver of the Synopsys DesignWare watchdog (DW_apb_wdt). Once it is enabled only a reset of the device
// disables it.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

class DesignWareWatchdog {
public:
    explicit DesignWareWatchdog(Mmio registers) : registers_{registers} {}

    bool is_armed() const { return Enable::of(registers_.read32(kControl)) != 0; }
    void stop() const {} // the device cannot
    void kick() const { registers_.write32(kRestart, kRestartKey); }
    void start_reset() const
    {
        registers_.write32(kTimeout, 0); // 2^16 cycles, the shortest time
        const u64 control = registers_.read32(kControl) | Enable::kMask;
        registers_.write32(kControl, static_cast<u32>(InterruptFirst::in(control, 0)));
        kick(); // takes over the time
    }

private:
    static constexpr u32 kControl = 0x0; // WDT_CR
    static constexpr u32 kTimeout = 0x4; // WDT_TORR
    static constexpr u32 kRestart = 0xc; // WDT_CRR
    static constexpr u32 kRestartKey = 0x76;
    using Enable = Field<0>;
    using InterruptFirst = Field<1>; // RMOD: an interrupt at the first expiry, and a reset at the second

    Mmio registers_;
};

} // namespace percival::arch

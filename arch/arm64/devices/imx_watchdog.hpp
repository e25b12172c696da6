// SPDX-License-Identifier: BSD-2-Clause
// Driver of the watchdog of the i.MX family (i.MX 8M Mini Reference Manual, chapter "Watchdog Timer"). Its
// registers have 16 bits. Once it is enabled only a reset disables it: WDE can be written to 1, but not to 0.
// Apart from it a power-down counter runs after power-on, which pulls the reset pin after 16 s; that one can
// be stopped.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "arch/cpu/sysreg.hpp"

#include <bit>

namespace percival::arch {

class ImxWatchdog {
public:
    // `resets_by_pin`: the reset of the chip alone is not enough for the board.
    ImxWatchdog(Mmio registers, bool is_big_endian, bool resets_by_pin)
        : registers_{registers}, is_big_endian_{is_big_endian}, resets_by_pin_{resets_by_pin}
    {
    }

    bool is_armed() const
    {
        return Enable::of(read(kControl)) != 0 || PowerDownEnable::of(read(kMiscellaneous)) != 0;
    }
    // Stops the power-down counter. Does nothing to the watchdog itself.
    void stop() const { write(kMiscellaneous, 0); }
    void kick() const
    {
        write(kService, 0x5555);
        write(kService, 0xaaaa);
    }
    // Asks for a reset at once. If the request is lost, the watchdog expires after half a second.
    void start_reset() const
    {
        // A 0 asserts: NoReset the reset of the chip, NoPin the pin.
        const u64 request = resets_by_pin_ ? NoReset::kMask | PinOnExpiry::kMask : NoPin::kMask;
        const u16 control = static_cast<u16>(request | Enable::kMask);
        // The request crosses into the domain of a slow clock. On an i.MX 6Q it can be lost unless it is
        // repeated within a cycle of that clock (erratum ERR004346).
        for (int i = 0; i < 3; ++i)
            write(kControl, control);
        kick(); // takes over the time
    }

private:
    static constexpr u32 kControl = 0x0;
    static constexpr u32 kService = 0x2;
    static constexpr u32 kMiscellaneous = 0x8;
    // Bits 15:8 of kControl are the time in units of half a second, less one.
    using NoPin = Field<5>;       // WDA
    using NoReset = Field<4>;     // SRS
    using PinOnExpiry = Field<3>; // WDT
    using Enable = Field<2>;      // WDE
    using PowerDownEnable = Field<0>;

    u16 read(u32 offset) const { return swapped(registers_.read16(offset)); }
    void write(u32 offset, u16 value) const { registers_.write16(offset, swapped(value)); }
    u16 swapped(u16 value) const { return is_big_endian_ ? std::byteswap(value) : value; }

    Mmio registers_;
    bool is_big_endian_;
    bool resets_by_pin_;
};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/pl011.hpp"

#include "arch/cpu/poll.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::arch {
namespace {

// Arm DDI 0183, chapter 3.
constexpr u32 kData = 0x00;
constexpr u32 kFlags = 0x18;
constexpr u32 kControl = 0x30;

using Busy = Field<3>;
using TransmitFull = Field<5>;
using UartEnable = Field<0>;
using TransmitEnable = Field<8>;

} // namespace

void Pl011::init(Mmio registers)
{
    registers_ = registers;
    const u32 control = registers_.read32(kControl);
    constexpr u32 kNeeded = UartEnable::kMask | TransmitEnable::kMask;
    // An SBSA UART has no control register. It reads as an undefined value, and the UART ignores this write.
    if ((control & kNeeded) != kNeeded)
        registers_.write32(kControl, control | kNeeded);
}

void Pl011::put(char c)
{
    if (c == '\n')
        put('\r');
    // A device that was stuck at the last character is polled only once, so that a machine whose UART is held
    // by flow control still boots.
    const bool ready = poll_until([this] { return TransmitFull::of(registers_.read32(kFlags)) == 0; },
                                  stuck_ ? 1 : kPollLimit);
    stuck_ = !ready;
    if (ready)
        registers_.write32(kData, static_cast<u8>(c));
}

void Pl011::drain()
{
    // If the device does not finish, the end of the output is lost. There is no other device to report that
    // on.
    static_cast<void>(poll_until([this] { return Busy::of(registers_.read32(kFlags)) == 0; }));
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Driver of the Arm PL011 UART (Arm DDI 0183). It only transmits, polls, and keeps the firmware's baud rate
// and line format.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/lib/console.hpp"

namespace percival::arch {

class Pl011 final : public ConsoleDevice {
public:
    constexpr Pl011() = default;
    // Enables the transmitter if the firmware has not. `registers` are mapped as device memory.
    void init(Mmio registers);
    // Sends `c`, and '\n' as "\r\n". Drops the character if the device stays full (arch/cpu/poll.hpp).
    void put(char c) override;
    // Waits, for a limited time, until the device has sent everything.
    void drain() override;

private:
    Mmio registers_{};
    bool stuck_{false}; // the last character was dropped
};

} // namespace percival::arch

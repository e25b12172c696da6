// SPDX-License-Identifier: BSD-2-Clause
// The Arm PL011 UART, transmit only, polled (Arm DDI 0183). The firmware's baud rate and line format are
// kept.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/lib/console.hpp"

namespace percival::arch {

class Pl011 final : public ConsoleDevice {
public:
    constexpr Pl011() = default;
    // Enables the transmitter if the firmware has not. `registers`: mapped as device memory.
    void init(Mmio registers);
    void put(char c) override; // '\n' is sent as "\r\n"; gives up on a device that stays full for ever
    void drain() override;

private:
    Mmio registers_{};
    bool stuck_{false}; // the last character was given up
};

} // namespace percival::arch

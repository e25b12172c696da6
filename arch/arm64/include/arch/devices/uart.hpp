// SPDX-License-Identifier: BSD-2-Clause
// Driver of the UARTs in kernel/uart/uart_table.hpp. It only transmits, polls, and keeps the firmware's
// clock, baud rate and line format. Works with the MMU off, too.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/uart/uart_table.hpp"

#include <atomic>

namespace percival::arch {

class Uart final : public ConsoleDevice {
public:
    constexpr Uart() = default;
    // Enables the transmitter if the firmware has not. `registers` are mapped as device memory. The kind of
    // `uart` is not None.
    void init(const UartDescription& uart, Mmio registers);
    // Sends `c`, and '\n' as "\r\n". Drops the character if the device does not get ready for it
    // (arch/cpu/poll.hpp).
    void put(char c) override;
    // Waits, for a limited time, until the device has sent everything.
    void drain() override;
    u64 lost() const override { return lost_.load(std::memory_order_relaxed); }

private:
    void send(u8 byte);
    u32 read(UartRegister at) const;
    void write(UartRegister at, u32 value) const;
    bool holds(const UartTest& test) const;

    Mmio registers_{};
    UartLayout layout_{};
    const UartFacts* facts_{nullptr};
    // Characters dropped. Atomic, because lost() is called without the lock that put() is called with.
    std::atomic<u64> lost_{0};
    bool stuck_{false}; // the last one was dropped
};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Reads the boot argument `earlycon`, which names a UART by hand, in Linux's form:
//
//      earlycon=NAME,[ACCESS,]ADDRESS[,OPTIONS]
//
// NAME is one of uart_earlycon_names(). ACCESS is mmio, mmio16, mmio32, mmio32be or mmio32native. Of an 8250
// it also sets the distance of the registers, as with Linux. OPTIONS, such as 115200n8, are for other
// kernels: Percival keeps the firmware's. Without a value the argument means the device tree's console.
//
// Any context, also with the MMU off and on the host.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/uart/uart.hpp"

#include <expected>
#include <string_view>

namespace percival {

struct EarlyconError {
    enum class Problem : u8 { NoSuchName, NoAddress, BadAddress, BadAccess, PortAccess };

    std::string_view value;
    Problem problem;

    // Writes, for example, `earlycon=pl012,0x9000000: names no UART that this kernel drives, using the device
    // tree's console`.
    void describe(Writer& out) const;
};

// Its name, for readers who cannot use the table of boot arguments.
inline constexpr std::string_view kEarlyconKey = "earlycon";

// Returns the UART that the argument's value names. An empty value names none, which is an error, too.
std::expected<UartDescription, EarlyconError> uart_by_hand(std::string_view value);

} // namespace percival

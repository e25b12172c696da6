// SPDX-License-Identifier: BSD-2-Clause
// The table of the kinds of UART that the kernel drives: how each sends a byte, and by which names device
// trees and the boot argument `earlycon` know it. arch/arm64/devices/uart.cpp is the driver of all of them,
// and docs/consoles.md shows the table with the sources of its facts.
//
// The firmware has set clock, baud rate and line format. So no row names a register for these.
//
// Any context, also with the MMU off and on the host: entries hold their text in place and have no pointers,
// and the table lies in the part of the image that a refusal needs (linker/kernel.lds.S).
#pragma once

#include "kernel/lib/inline_text.hpp"
#include "kernel/uart/uart.hpp"

#include <array>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace percival {

// A register by its offset, before the layout's shift. `bytes`: of one access, where it differs from the
// layout's; else 0.
struct UartRegister {
    u16 offset{0};
    u8 bytes{0};
};

// Holds if the bits of `mask` in the register are those of `value`.
struct UartTest {
    UartRegister at{};
    u32 mask{0};
    u32 value{0};
};

// Bits that must be clear and bits that must be set for the transmitter to work.
struct UartSetting {
    UartRegister at{};
    u32 clear{0};
    u32 set{0};
    constexpr bool is_needed() const { return (clear | set) != 0; }
};

// A value, never 0, that is written before each byte.
struct UartCommand {
    UartRegister at{};
    u32 value{0};
    constexpr bool is_needed() const { return value != 0; }
};

struct UartFacts {
    UartKind kind;
    InlineText<32> name; // for people
    UartRegister transmit{};
    UartTest ready{};   // for the next byte
    UartTest drained{}; // everything has left the device
    std::array<UartSetting, 2> settings{};
    std::array<UartCommand, 2> commands{};
    // Flags of the ready register that software clears after each byte, by writing back what it has read
    // with 0 for them: only a flag that was read as 1 can be cleared. 0 if there are none.
    u32 flags_to_clear{0};
};

// A compatible string or a name for `earlycon`, with the layout where nothing else is said.
struct UartName {
    InlineText<32> name;
    UartKind kind;
    UartLayout layout;
};

// Returns the row of a kind other than None.
const UartFacts& uart_facts(UartKind kind);

std::span<const UartFacts> all_uart_facts();
std::span<const UartName> uart_compatibles();
std::span<const UartName> uart_earlycon_names();

// Return the kind and layout that a name stands for; nothing if the kernel drives no such UART.
std::optional<UartDescription> uart_compatible_with(std::string_view compatible);
std::optional<UartDescription> uart_for_earlycon(std::string_view name);

// Returns how many bytes the registers that the driver uses take from the beginning.
Bytes uart_extent(UartKind kind, UartLayout layout);

// What a device tree or a boot argument says of a UART's registers. Nothing of it is checked.
struct UartClaim {
    u64 shift;
    u64 bytes; // of one access
    bool says_big_endian{false};
    bool says_little_endian{false}; // counts more than the other
    u64 offset{0};                  // of the registers in the range, in bytes
    PhysRange range;
};

// What is wrong with a claim.
enum class UartProblem : u8 {
    Shift,    // too large
    Width,    // not 1, 2 or 4, or too narrow for the bits that the driver needs
    Distance, // the shift puts registers where an access of the width is not aligned
    Size,     // the range does not hold the registers
    Base,     // not a multiple of the widest access
};

// Returns the UART of a name with the layout and the registers of a claim. Each access of the driver is then
// aligned and in the range. A width is checked but not taken where each register has its own.
std::expected<UartDescription, UartProblem> uart_as_claimed(UartDescription named, const UartClaim& claim);

} // namespace percival

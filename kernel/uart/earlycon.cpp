// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/uart/earlycon.hpp"

#include "kernel/lib/number.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/uart/uart_table.hpp"

namespace percival {
namespace {

using Problem = EarlyconError::Problem;

// Removes the part of `text` up to its first comma, and returns it.
std::string_view take_part(std::string_view& text)
{
    const std::size_t comma = text.find(',');
    const std::string_view part = slice(text, 0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : slice(text, comma + 1);
    return part;
}

// Returns the layout that `access` asks for; nothing if it is no access.
std::optional<UartLayout> layout_of(std::string_view access, const UartDescription& uart)
{
    const bool has_distance = uart.kind == UartKind::Ns16550;
    if (access == "mmio")
        return uart.layout;
    if (access == "mmio16")
        return UartLayout{2, u8{has_distance}};
    if (access == "mmio32" || access == "mmio32native")
        return UartLayout{4, static_cast<u8>(has_distance ? 2 : 0)};
    if (access == "mmio32be")
        return UartLayout{4, static_cast<u8>(has_distance ? 2 : 0), true};
    return std::nullopt;
}

std::expected<UartDescription, Problem> parse(std::string_view value)
{
    auto uart = uart_for_earlycon(take_part(value));
    if (!uart)
        return std::unexpected{Problem::NoSuchName};
    std::string_view part = take_part(value);
    if (part == "io")
        return std::unexpected{Problem::PortAccess};
    UartLayout layout = uart->layout;
    if (const auto asked_for = layout_of(part, *uart)) {
        layout = *asked_for;
        part = take_part(value);
    }
    if (part.empty())
        return std::unexpected{Problem::NoAddress};
    const auto address = number_in(part);
    if (!address || *address == 0 || *address >= kPhysicalLimit.raw())
        return std::unexpected{Problem::BadAddress};
    uart->source = UartSource::BootArgument;
    auto claimed =
        uart_as_claimed(*uart, {.shift = layout.shift,
                                .bytes = layout.bytes,
                                .says_big_endian = layout.is_big_endian,
                                .says_little_endian = !layout.is_big_endian,
                                .range = {PhysAddr{*address}, Bytes{kPhysicalLimit.raw() - *address}}});
    if (!claimed) {
        const bool is_of_address =
            claimed.error() == UartProblem::Size || claimed.error() == UartProblem::Base;
        return std::unexpected{is_of_address ? Problem::BadAddress : Problem::BadAccess};
    }
    claimed->registers.size = uart_extent(claimed->kind, claimed->layout);
    return *claimed;
}

} // namespace

void EarlyconError::describe(Writer& out) const
{
    format(out, "earlycon={}: ", value);
    switch (problem) {
    case Problem::NoSuchName:
        out.put("names no UART that this kernel drives (docs/consoles.md)");
        break;
    case Problem::NoAddress:
        out.put("has no address");
        break;
    case Problem::BadAddress:
        out.put("has no address that registers of this UART can have");
        break;
    case Problem::BadAccess:
        out.put("asks for an access that this UART's registers do not have");
        break;
    case Problem::PortAccess:
        out.put("asks for I/O ports, which this architecture does not have");
        break;
    }
    out.put(", using the device tree's console");
}

std::expected<UartDescription, EarlyconError> uart_by_hand(std::string_view value)
{
    const auto uart = parse(value);
    if (!uart)
        return std::unexpected{EarlyconError{value, uart.error()}};
    return *uart;
}

} // namespace percival

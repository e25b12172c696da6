// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/spcr.hpp"

#include "kernel/lib/inline_text.hpp"
#include "kernel/uart/uart_table.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace percival::boot::acpi {
namespace {

// A kind of port, by the name that it has in device trees. Kinds that no driver of this kernel is known to
// fit are left out: 0x10, of the BCM2835, is its mini UART to some and its PL011 to others.
struct Port {
    u8 type;
    InlineText<32> compatible;
};

constexpr std::array kPorts{
    Port{0x00, "ns16550a"},
    Port{0x01, "ns16550a"},
    Port{0x03, "arm,pl011"},
    Port{0x05, "nvidia,tegra20-uart"},
    Port{0x06, "ti,omap3-uart"},
    Port{0x09, "qcom,msm-uartdm"},
    Port{0x0a, "samsung,exynos4210-uart"},
    Port{0x0c, "fsl,imx6q-uart"},
    Port{0x0d, "arm,sbsa-uart"},
    Port{0x0e, "arm,sbsa-uart"},
    Port{0x11, "qcom,geni-debug-uart"},
    Port{0x12, "ns16550a"},
    Port{0x13, "qcom,geni-debug-uart"},
};

std::optional<UartDescription> uart_of(u8 type)
{
    for (const Port& port : kPorts) {
        if (port.type == type)
            return uart_compatible_with(port.compatible.text());
    }
    return std::nullopt;
}

// 5.2.3.2 of the ACPI Specification: a generic address.
struct GenericAddress {
    TableBytes bytes;

    bool is_in_memory() const { return bytes.byte(0) == 0; }
    u32 register_bits() const { return bytes.byte(1); }
    u64 address() const { return bytes.dword(4); }
    // How many bytes one access has; 0: not said.
    u32 access_bytes() const
    {
        const u32 size = bytes.byte(3);
        return size >= 1 && size <= 3 ? 1U << (size - 1) : 0;
    }
};

// How the registers of a 16550 are accessed: these are bytes, or the low bytes of larger registers.
UartLayout layout_of(const GenericAddress& at)
{
    const u32 said = at.register_bits() == 16 || at.register_bits() == 32 ? at.register_bits() / 8 : 1;
    const u32 access = at.access_bytes() != 0 ? at.access_bytes() : said;
    const u32 apart = std::max(said, access);
    return {static_cast<u8>(access), static_cast<u8>(std::countr_zero(apart))};
}

} // namespace

void read_spcr(TableBytes spcr, MachineDescription& machine, Notes notes)
{
    constexpr std::size_t kLength = 52;
    constexpr u8 kRevision = 2; // the first with kinds of ports beside the 16550
    constexpr u8 kLastOfRevision1 = 1;
    const u8 type = spcr.byte(36);
    if (spcr.size() < kLength)
        return notes(wrong(spcr.signature(), "length", "is too small", spcr.size()));
    if (spcr.byte(8) < kRevision && type > kLastOfRevision1)
        notes(wrong(spcr.signature(), "revision", "knows no such port; it is taken for one of revision 2",
                    type));
    const auto named = uart_of(type);
    if (!named)
        return notes(wrong(spcr.signature(), "interface type", "is no UART of this kernel", type));
    const GenericAddress at{spcr.part(40, 12)};
    if (!at.is_in_memory())
        return notes(wrong(spcr.signature(), "base address", "is not in memory", at.bytes.byte(0)));
    const bool says_layout = named->layout == UartLayout{1, 0} && named->kind == UartKind::Ns16550;
    const UartLayout layout = says_layout ? layout_of(at) : named->layout;
    const PhysRange registers{PhysAddr{at.address()}, 4_KiB};
    if (!is_possible(registers))
        return notes(wrong(spcr.signature(), "base address", "is not possible", at.address()));
    const auto uart =
        uart_as_claimed(*named, {.shift = layout.shift, .bytes = layout.bytes, .range = registers});
    if (!uart)
        return notes(wrong(spcr.signature(), "base address", "is not aligned as this UART's registers are",
                           at.address()));
    machine.uart = *uart;
    machine.uart.source = UartSource::DeviceTree;
}

} // namespace percival::boot::acpi

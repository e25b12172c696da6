// SPDX-License-Identifier: BSD-2-Clause
// Tests how the boot argument `earlycon` names a UART.
#include "kernel/uart/earlycon.hpp"
#include "kernel/uart/uart_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival {
namespace {

UartDescription named(std::string_view value)
{
    const auto uart = uart_by_hand(value);
    EXPECT_TRUE(uart) << value;
    return uart.value_or(UartDescription{});
}

std::string sentence(std::string_view value)
{
    const auto uart = uart_by_hand(value);
    if (uart)
        return "";
    std::array<char, 200> room;
    Writer out{room};
    uart.error().describe(out);
    return std::string{out.text()};
}

void expect_named(std::string_view value, UartKind kind, u64 address, UartLayout layout)
{
    const UartDescription uart = named(value);
    EXPECT_EQ(uart.kind, kind) << value;
    EXPECT_EQ(uart.registers.base, PhysAddr{address}) << value;
    EXPECT_EQ(uart.registers.size, uart_extent(kind, layout)) << value;
    EXPECT_EQ(uart.layout, layout) << value;
    EXPECT_EQ(uart.source, UartSource::BootArgument) << value;
}

TEST(Earlycon, names_a_uart_in_the_form_of_linux)
{
    expect_named("pl011,0x9000000", UartKind::Pl011, 0x900'0000, {4, 0});
    expect_named("pl011,mmio32,0x9000000,115200n8", UartKind::Pl011, 0x900'0000, {4, 0});
    expect_named("meson,0xc81004c0", UartKind::Meson, 0xc810'04c0, {4, 0});
    expect_named("uart8250,mmio,0x21c0500", UartKind::Ns16550, 0x21c'0500, {1, 0});
    expect_named("uart8250,mmio16,0xff130000", UartKind::Ns16550, 0xff13'0000, {2, 1});
    expect_named("uart8250,mmio32,0xfe215040", UartKind::Ns16550, 0xfe21'5040, {4, 2});
    expect_named("uart8250,mmio32native,0xfe215040", UartKind::Ns16550, 0xfe21'5040, {4, 2});
    expect_named("uart8250,mmio32be,0xfe215040,1500000", UartKind::Ns16550, 0xfe21'5040, {4, 2, true});
    expect_named("uart,0x21c0500", UartKind::Ns16550, 0x21c'0500, {1, 0});
    expect_named("lpuart32,0x2950000", UartKind::Lpuart, 0x295'0000, {4, 0, true});
    expect_named("lpuart32,mmio32,0x2950000", UartKind::Lpuart, 0x295'0000, {4, 0});
    expect_named("scif,4096", UartKind::Scif, 0x1000, {2, 0});
    expect_named("exynos4210,0x13800000", UartKind::Samsung, 0x1380'0000, {1, 0});
    expect_named("exynos4210,mmio32,0x13800000", UartKind::Samsung, 0x1380'0000, {4, 0});
    expect_named("gs101,0x10a00000", UartKind::Samsung, 0x10a0'0000, {4, 0});
}

TEST(Earlycon, every_name_of_the_table_is_one)
{
    for (const UartName& name : uart_earlycon_names())
        expect_named(std::string{name.name.text()} + ",0x12340000", name.kind, 0x1234'0000, name.layout);
}

TEST(Earlycon, without_a_value_names_none)
{
    EXPECT_FALSE(uart_by_hand(""));
}

TEST(Earlycon, with_a_wrong_value_says_what_is_wrong)
{
    const std::string tail = ", using the device tree's console";
    EXPECT_EQ(sentence("pl012,0x9000000"),
              "earlycon=pl012,0x9000000: names no UART that this kernel drives (docs/consoles.md)" + tail);
    EXPECT_EQ(sentence(",0x9000000"),
              "earlycon=,0x9000000: names no UART that this kernel drives (docs/consoles.md)" + tail);
    for (const char* value : {"pl011", "pl011,", "uart8250,mmio32", "uart8250,mmio32,", "pl011,,0x9000000"})
        EXPECT_EQ(sentence(value), "earlycon=" + std::string{value} + ": has no address" + tail);
    for (const char* value : {"pl011,0x", "pl011,serial0", "pl011,0x9000001", "pl011,0",
                              "pl011,0x10000000000000000", "pl011,0xfffffffffffff", "pl011,0x10000000000000",
                              "scif,0x1001", "exynos4210,0x1002", "uart8250,mmio8,0x1000", "meson,115200n8"})
        EXPECT_EQ(sentence(value), "earlycon=" + std::string{value} +
                                       ": has no address that registers of this UART can have" + tail);
    EXPECT_EQ(sentence("uart8250,io,0x3f8"),
              "earlycon=uart8250,io,0x3f8: asks for I/O ports, which this architecture does not have" + tail);
    EXPECT_EQ(sentence("meson,mmio16,0x1000"),
              "earlycon=meson,mmio16,0x1000: asks for an access that this UART's registers do not have" +
                  tail);
}

TEST(Earlycon, takes_the_highest_address_that_holds_the_registers)
{
    EXPECT_EQ(sentence("uart,0xffffffffffffa"), "");
    EXPECT_NE(sentence("uart,0xffffffffffffb"), "");
}

} // namespace
} // namespace percival

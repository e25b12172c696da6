// SPDX-License-Identifier: BSD-2-Clause
// Tests which UART is taken for the console, and how its registers are accessed.
#include "kernel/uart/uart_table.hpp"
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

const std::string kUart = "/pl011@9000000";

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

TreeEditor pi()
{
    return TreeEditor{load_tree("raspberry-pi-4")};
}

TEST(DeviceTreeConsole, without_a_stdout_path_the_first_enabled_uart_is_used)
{
    const Reading reading{pi().remove_property("/chosen", "stdout-path").finish()};
    EXPECT_EQ(reading.machine->uart.registers.base, PhysAddr{0xfe20'1600});
    EXPECT_EQ(reading.machine->uart.source, UartSource::Guess);
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeConsole, where_stdout_path_names_an_unknown_uart_there_is_no_console)
{
    TreeEditor tree = pi();
    tree.set_text("/soc/serial@7e201000", "compatible", "example,uart");
    for (const char* path : {"serial0:115200n8", "serial0", "/soc/serial@7e201000"}) {
        const Reading reading{tree.set_text("/chosen", "stdout-path", path).finish()};
        EXPECT_EQ(reading.sentence, "") << path;
        EXPECT_EQ(reading.machine->uart.kind, UartKind::None) << path;
        EXPECT_TRUE(reading.has_note("/soc/serial@7e201000: is the stdout-path, but not a UART that this "
                                     "kernel drives, so there is no console"))
            << reading.all_notes();
    }
}

TEST(DeviceTreeConsole, the_stdout_path_is_taken_by_alias_and_by_path_with_options_and_without)
{
    // The tree as the board's firmware hands it over: the console is the mini UART, which does not begin at a
    // page, and the PL011 leads to the Bluetooth chip.
    TreeEditor tree = pi();
    tree.add_node("/soc", "serial@7e215040")
        .set_text("/soc/serial@7e215040", "compatible", "brcm,bcm2835-aux-uart")
        .set_cells("/soc/serial@7e215040", "reg", {0x7e21'5040, 0x40})
        .set_text("/aliases", "serial1", "/soc/serial@7e215040")
        .add_node("/soc/serial@7e201000", "bluetooth")
        .set_text("/soc/serial@7e201000/bluetooth", "compatible", "brcm,bcm43438-bt");
    for (const char* path :
         {"serial1:115200n8", "serial1", "/soc/serial@7e215040", "/soc/serial@7e215040:115200n8"}) {
        const Reading reading{tree.set_text("/chosen", "stdout-path", path).finish()};
        EXPECT_EQ(reading.all_notes(), "");
        const UartDescription& uart = reading.machine->uart;
        EXPECT_EQ(uart.kind, UartKind::Ns16550) << path;
        EXPECT_EQ(uart.layout, (UartLayout{4, 2}));
        EXPECT_EQ(uart.registers, (PhysRange{PhysAddr{0xfe21'5040}, Bytes{0x40}}));
        EXPECT_EQ(uart.source, UartSource::DeviceTree);
    }
}

TEST(DeviceTreeConsole, a_device_behind_the_uart_keeps_it_from_being_taken_unless_stdout_path_names_it)
{
    TreeEditor tree = pi();
    const std::string uart = "/soc/serial@7e201000";
    tree.add_node(uart, "bluetooth").set_text(uart + "/bluetooth", "compatible", "brcm,bcm43438-bt");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.registers.base, PhysAddr{0xfe20'1000});
    tree.remove_property("/chosen", "stdout-path");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.registers.base, PhysAddr{0xfe20'1600});
    tree.add_node("/soc/serial@7e201600", "modem")
        .set_text("/soc/serial@7e201600/modem", "compatible", "example,modem");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.kind, UartKind::None);
}

TEST(DeviceTreeConsole, a_stdout_path_to_a_disabled_device_is_noted_and_replaced)
{
    const Reading reading{pi().set_text("/chosen", "stdout-path", "serial1:115200n8").finish()};
    EXPECT_EQ(reading.machine->uart.registers.base, PhysAddr{0xfe20'1600});
    EXPECT_TRUE(reading.has_note("is the stdout-path, but is disabled"));
}

TEST(DeviceTreeConsole, the_old_name_of_stdout_path_counts_where_the_new_one_is_missing)
{
    TreeEditor tree = pi();
    tree.set_text("/chosen", "linux,stdout-path", "serial0");
    tree.set_text("/chosen", "stdout-path", "/soc/serial@7e201600");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.registers.base, PhysAddr{0xfe20'1600});
    tree.remove_property("/chosen", "stdout-path");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.registers.base, PhysAddr{0xfe20'1000});
}

TEST(DeviceTreeConsole, an_sbsa_uart_is_a_console)
{
    for (const bool is_named : {true, false}) {
        TreeEditor tree = virt();
        tree.set_text(kUart, "compatible", "arm,sbsa-uart");
        if (!is_named)
            tree.remove_property("/chosen", "stdout-path");
        const Reading reading{tree.finish()};
        EXPECT_EQ(reading.machine->uart.registers.base, PhysAddr{0x900'0000});
        EXPECT_EQ(reading.all_notes(), "");
    }
}

TEST(DeviceTreeConsole, a_stdout_path_to_a_missing_node_is_noted)
{
    for (const char* path :
         {"", ":115200n8", "serial7", "/soc/serial", "/nowhere", "//", "/soc/serial@7e201000/x"}) {
        const Reading reading{pi().set_text("/chosen", "stdout-path", path).finish()};
        EXPECT_EQ(reading.sentence, "") << path;
        EXPECT_TRUE(reading.has_note("stdout-path")) << path;
    }
}

TEST(DeviceTreeConsole, an_alias_of_itself_is_not_followed)
{
    TreeEditor tree = pi();
    tree.set_text("/aliases", "serial0", "serial0").set_text("/aliases", "serial1", "serial0/x");
    for (const char* path : {"serial0", "serial1"}) {
        const Reading reading{tree.set_text("/chosen", "stdout-path", path).finish()};
        EXPECT_EQ(reading.sentence, "");
        EXPECT_TRUE(reading.has_note("stdout-path: names no node"));
    }
}

TEST(DeviceTreeConsole, a_missing_console_is_no_error)
{
    const Reading reading{virt().remove_node(kUart).finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->uart.kind, UartKind::None);
}

TEST(DeviceTreeConsole, bad_registers_are_noted)
{
    const Reading reading{virt().set_cells(kUart, "reg", {0, 0x900'0001, 0, 0x1000}).finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->uart.kind, UartKind::None);
    EXPECT_TRUE(reading.has_note("/pl011@9000000: reg: is not aligned as this UART's registers are"));
}

// A tree whose console is `compatible`.
TreeEditor with_console(std::string_view compatible)
{
    TreeEditor tree = virt();
    tree.set_text(kUart, "compatible", compatible);
    return tree;
}

TEST(DeviceTreeConsole, every_compatible_string_of_the_table_is_one_with_the_layout_of_its_kind)
{
    for (const UartName& name : uart_compatibles()) {
        const Reading reading{with_console(name.name.text()).finish()};
        EXPECT_EQ(reading.machine->uart.kind, name.kind) << name.name.text();
        EXPECT_EQ(reading.machine->uart.layout, name.layout) << name.name.text();
        EXPECT_EQ(reading.all_notes(), "");
    }
}

TEST(DeviceTreeConsole, the_first_known_string_of_a_list_decides)
{
    constexpr std::string_view kList{"example,uart\0fsl,imx8qxp-lpuart\0ns16550a\0", 41};
    const Reading reading{virt().set_bytes(kUart, "compatible", std::as_bytes(std::span{kList})).finish()};
    EXPECT_EQ(reading.machine->uart.kind, UartKind::ImxLpuart);
}

TEST(DeviceTreeConsole, the_tree_says_how_its_registers_are_accessed)
{
    TreeEditor tree = with_console("snps,dw-apb-uart");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.layout, (UartLayout{1, 0}));
    tree.set_cells(kUart, "reg-shift", {2});
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.layout, (UartLayout{1, 2}));
    tree.set_cells(kUart, "reg-io-width", {4});
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.layout, (UartLayout{4, 2}));
    tree.set_bytes(kUart, "big-endian", {});
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.layout, (UartLayout{4, 2, true}));
    tree.set_cells(kUart, "reg-offset", {0x100});
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.registers,
              (PhysRange{PhysAddr{0x900'0100}, Bytes{0xf00}}));
    tree.set_text(kUart, "compatible", "fsl,ls1021a-lpuart");
    tree.remove_property(kUart, "big-endian").remove_property(kUart, "reg-shift");
    EXPECT_TRUE(Reading{tree.finish()}.machine->uart.layout.is_big_endian);
    tree.set_bytes(kUart, "little-endian", {});
    EXPECT_FALSE(Reading{tree.finish()}.machine->uart.layout.is_big_endian);
}

TEST(DeviceTreeConsole, an_access_that_the_uart_does_not_have_is_noted)
{
    const auto note_of = [](const TreeEditor& tree) {
        const Reading reading{tree.finish()};
        EXPECT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.machine->uart.kind, UartKind::None);
        return reading.all_notes();
    };
    for (const u32 width : {0U, 3U, 8U, 0x104U}) {
        const std::string notes = note_of(with_console("ns16550a").set_cells(kUart, "reg-io-width", {width}));
        EXPECT_NE(notes.find("reg-io-width: is no width of this UART's registers"), std::string::npos)
            << notes;
    }
    EXPECT_NE(note_of(with_console("fsl,imx8qxp-lpuart").set_cells(kUart, "reg-io-width", {2}))
                  .find("reg-io-width: is no width"),
              std::string::npos);
    for (const u32 shift : {9U, 0x102U, 0xffff'ffffU}) {
        EXPECT_NE(note_of(with_console("ns16550a").set_cells(kUart, "reg-shift", {shift}))
                      .find("reg-shift: is too large"),
                  std::string::npos);
    }
    EXPECT_NE(note_of(with_console("ns16550a").set_cells(kUart, "reg-io-width", {4}))
                  .find("reg-shift: is too small for the width of this UART's registers"),
              std::string::npos);
    EXPECT_NE(note_of(with_console("renesas,scif")
                          .set_cells(kUart, "reg-io-width", {1})
                          .set_cells(kUart, "reg", {0, 0x900'0001, 0, 0x1000}))
                  .find("reg: is not aligned as this UART's registers are"),
              std::string::npos);
    EXPECT_NE(note_of(with_console("ns16550a").set_cells(kUart, "reg", {0, 0x900'0000, 0, 5}))
                  .find("reg: is too small for this UART's registers"),
              std::string::npos);
    for (const u32 offset : {0xffbU, 0x1000U, 0xffff'ffffU}) {
        EXPECT_NE(note_of(with_console("ns16550a").set_cells(kUart, "reg-offset", {offset}))
                      .find("reg: is too small for this UART's registers"),
                  std::string::npos)
            << offset;
    }
}

TEST(DeviceTreeConsole, a_pl011_is_one_with_any_width)
{
    for (const u32 width : {1U, 2U, 4U}) {
        const Reading reading{virt().set_cells(kUart, "reg-io-width", {width}).finish()};
        EXPECT_EQ(reading.machine->uart.kind, UartKind::Pl011) << width;
        EXPECT_EQ(reading.machine->uart.layout, (UartLayout{4, 0})) << width;
    }
}

TEST(DeviceTreeConsole, registers_that_just_fit_are_enough)
{
    const Reading reading{with_console("ns16550a").set_cells(kUart, "reg", {0, 0x900'0000, 0, 6}).finish()};
    EXPECT_EQ(reading.machine->uart.kind, UartKind::Ns16550);
}

TEST(DeviceTreeConsole, the_boot_arguments_name_another_one)
{
    TreeEditor tree = virt();
    tree.set_text("/chosen", "bootargs", "selftest=no earlycon=uart8250,mmio32,0xfe215040,115200n8");
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.machine->uart.kind, UartKind::Ns16550);
    EXPECT_EQ(reading.machine->uart.registers.base, PhysAddr{0xfe21'5040});
    EXPECT_EQ(reading.machine->uart.source, UartSource::BootArgument);
    tree.set_text("/chosen", "bootargs", "earlycon=pl011,0x1000 earlycon=meson,0x2000");
    EXPECT_EQ(Reading{tree.finish()}.machine->uart.kind, UartKind::Meson) << "the last one counts";
    // With a wrong value, and without any, it is the tree's.
    for (const char* arguments : {"earlycon=uart8250", "earlycon=nothing,0x100", "earlycon", "earlycon="}) {
        const Reading other{tree.set_text("/chosen", "bootargs", arguments).finish()};
        EXPECT_EQ(other.machine->uart.registers.base, PhysAddr{0x900'0000}) << arguments;
        EXPECT_EQ(other.machine->uart.source, UartSource::DeviceTree) << arguments;
    }
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Tests what the kernel takes from ACPI tables: controller, timer, console and memory.
#include "tests/host/uefi/acpi_reading.hpp"

#include <gtest/gtest.h>

#include <set>

namespace percival::testing {
namespace {

TEST(Acpi, a_gic_v2_is_the_distributor_and_the_interface_of_a_cpu)
{
    AcpiMachine machine;
    machine.gic_version = 2;
    machine.cpu_interface = 0x0801'0000;
    machine.redistributors.clear();
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence, "");
    const auto& gic = tables.machine->interrupt_controller;
    EXPECT_EQ(gic.kind, InterruptControllerKind::GicV2);
    EXPECT_EQ(gic.distributor.base, PhysAddr{0x0800'0000});
    EXPECT_EQ(gic.cpu_interface.base, PhysAddr{0x0801'0000});
}

TEST(Acpi, redistributors_may_be_named_by_the_cpus)
{
    AcpiMachine machine;
    machine.redistributors.clear();
    for (u32 at = 0; at < 4; ++at)
        machine.cpus[at].redistributor = (at < 2 ? 0x0100'0000 : 0x0300'0000) + at * 0x2'0000;
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence, "");
    const auto& regions = tables.machine->interrupt_controller.redistributors;
    ASSERT_EQ(regions.size(), 2U); // frames that follow each other are one region
    EXPECT_EQ(regions[0], (PhysRange{PhysAddr{0x0100'0000}, Bytes{0x4'0000}}));
    EXPECT_EQ(regions[1], (PhysRange{PhysAddr{0x0304'0000}, Bytes{0x4'0000}}));
}

TEST(Acpi, a_controller_without_a_version_is_known_by_its_redistributors)
{
    AcpiMachine machine;
    machine.gic_version = 0;
    EXPECT_EQ(read(machine).machine->interrupt_controller.kind, InterruptControllerKind::GicV3);
    machine.redistributors.clear();
    machine.cpu_interface = 0x0801'0000;
    EXPECT_EQ(read(machine).machine->interrupt_controller.kind, InterruptControllerKind::GicV2);
}

TEST(Acpi, what_must_be_there_and_is_not_is_named)
{
    for (const std::string table : {"FACP", "APIC", "GTDT"}) {
        AcpiMachine machine;
        machine.left_out = {table};
        EXPECT_EQ(read(machine).sentence, "ACPI: " + table + ": is missing");
    }
    AcpiMachine machine;
    machine.left_out = {"SPCR", "SRAT"};
    const AcpiReading tables = read(machine);
    EXPECT_EQ(tables.sentence + tables.notes, "");
    EXPECT_EQ(tables.machine->uart.kind, UartKind::None);
    machine.cpus.clear();
    EXPECT_EQ(read(machine).sentence, "ACPI: APIC: GICC: there is no enabled CPU");
}

TEST(Acpi, values_that_are_not_possible_are_named)
{
    const auto sentence = [](auto change) {
        AcpiMachine machine;
        change(machine);
        const AcpiReading tables = read(machine);
        return tables.sentence + tables.notes;
    };
    EXPECT_EQ(sentence([](auto& m) { m.timer = 32; }),
              "ACPI: GTDT: virtual EL1 timer: its interrupt is not from 16 to 31 (0x20)");
    EXPECT_EQ(sentence([](auto& m) { m.distributors = 0; }), "ACPI: APIC: GICD: is missing");
    EXPECT_EQ(sentence([](auto& m) { m.distributor = 0; }),
              "ACPI: APIC: GICD: address: is not possible (0x0)");
    EXPECT_EQ(sentence([](auto& m) { m.distributor = 0x0800'1000; }),
              "ACPI: APIC: GICD: address: is not possible (0x8001000)");
    EXPECT_EQ(sentence([](auto& m) { m.redistributors = {{0x0800'0000, 0x1'0000}}; }),
              "ACPI: APIC: GICR: there is no redistributor"
              "ACPI: APIC: GICR: address: or length is not possible; it is not used (0x8000000)\n");
    EXPECT_EQ(sentence([](auto& m) { m.redistributors.clear(); }),
              "ACPI: APIC: GICR: there is no redistributor");
    EXPECT_EQ(sentence([](auto& m) { m.gic_version = 5; }),
              "ACPI: APIC: GICD: version: is no GIC that this kernel drives (0x5)");
    EXPECT_EQ(
        sentence([](auto& m) { m.redistributors = {{0x0100'0000, 0x4'0000}, {0x0102'0000, 0x4'0000}}; }),
        "ACPI: APIC: GICR: address: overlaps another region; it is not used (0x1020000)\n");
    EXPECT_EQ(sentence([](auto& m) {
                  m.gic_version = 2;
                  m.cpu_interface = 0x0801'0000;
                  m.cpus[2].cpu_interface = 0x0803'0000;
              }),
              "ACPI: APIC: GICC 0x2: address: is not that of the first CPU, which is used (0x8030000)\n");
    EXPECT_EQ(sentence([](auto& m) { m.port = 0x10; }),
              "ACPI: SPCR: interface type: is no UART of this kernel (0x10)\n");
    EXPECT_EQ(sentence([](auto& m) { m.port_address = 0x0900'0002; }),
              "ACPI: SPCR: base address: is not aligned as this UART's registers are (0x9000002)\n");
    EXPECT_EQ(sentence([](auto& m) { m.memory = {{1, 0x4000'0000, 0x2000}, {2, 0x4000'1000, 0x2000}}; }),
              "ACPI: SRAT: memory: base: overlaps another range; it is not used (0x40001000)\n");
    EXPECT_EQ(sentence([](auto& m) { m.port = 0x0f; }),
              "ACPI: SPCR: interface type: is no UART of this kernel (0xf)\n");
    EXPECT_EQ(sentence([](auto& m) { m.port_address = ~u64{0}; }),
              "ACPI: SPCR: base address: is not possible (0xffffffffffffffff)\n");
    EXPECT_EQ(sentence([](auto& m) { m.memory = {{64, 0x4000'0000, 0x1000}}; }),
              "ACPI: SRAT: proximity domain: is too large, so node 0 is used instead (0x40)\n");
}

TEST(Acpi, the_timers_of_el2_are_those_that_the_revision_has)
{
    AcpiMachine machine;
    machine.virtual_timer_of_el2 = 28;
    const AcpiReading tables = read(machine);
    EXPECT_EQ(tables.machine->timer.virtual_interrupt, 27U);
    EXPECT_EQ(tables.machine->timer.hypervisor_physical_interrupt, 26U);
    EXPECT_EQ(tables.machine->timer.hypervisor_virtual_interrupt, 28U);
    EXPECT_EQ(read_changed("GTDT", 8, 2, machine).machine->timer.hypervisor_virtual_interrupt, 0U);
    machine.physical_timer_of_el2 = 40;
    EXPECT_EQ(read(machine).machine->timer.hypervisor_physical_interrupt, 0U);
    EXPECT_EQ(read(machine).notes, "ACPI: GTDT: EL2 timer: its interrupt is not from 16 to 31 (0x28)\n");
}

TEST(Acpi, memory_that_is_not_enabled_is_no_bank)
{
    AcpiMachine machine;
    machine.memory = {{.domain = 1, .base = 0x4000'0000, .size = 0x1000'0000, .flags = 0}};
    const AcpiReading tables = read(machine);
    EXPECT_EQ(tables.sentence + tables.notes, "");
    EXPECT_TRUE(tables.machine->memory.empty());
}

TEST(Acpi, every_version_of_a_gic_is_one_of_two_kinds)
{
    for (const u8 version : std::to_array<u8>({1, 2, 3, 4})) {
        AcpiMachine machine;
        machine.gic_version = version;
        machine.cpu_interface = 0x0801'0000;
        EXPECT_EQ(read(machine).machine->interrupt_controller.kind,
                  version < 3 ? InterruptControllerKind::GicV2 : InterruptControllerKind::GicV3);
    }
}

TEST(Acpi, the_redistributors_of_a_gic_v4_are_larger)
{
    AcpiMachine machine;
    machine.gic_version = 4;
    machine.redistributors.clear();
    for (u32 at = 0; at < 4; ++at)
        machine.cpus[at].redistributor = 0x0100'0000 + at * 0x4'0000;
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence + tables.notes, "");
    const auto& regions = tables.machine->interrupt_controller.redistributors;
    ASSERT_EQ(regions.size(), 1U);
    EXPECT_EQ(regions[0].size, Bytes{0x10'0000});
}

TEST(Acpi, the_ports_that_the_kernel_drives_are_known_by_their_type)
{
    const std::pair<u8, UartKind> ports[] = {
        {0x00, UartKind::Ns16550}, {0x01, UartKind::Ns16550}, {0x03, UartKind::Pl011},
        {0x05, UartKind::Ns16550}, {0x06, UartKind::Ns16550}, {0x09, UartKind::Uartdm},
        {0x0a, UartKind::Samsung}, {0x0c, UartKind::Imx},     {0x0d, UartKind::Sbsa},
        {0x0e, UartKind::Sbsa},    {0x11, UartKind::Geni},    {0x12, UartKind::Ns16550},
        {0x13, UartKind::Geni}};
    std::set<u8> known;
    for (const auto& [type, kind] : ports) {
        AcpiMachine machine;
        machine.port = type;
        EXPECT_EQ(read(machine).machine->uart.kind, kind) << +type;
        known.insert(type);
    }
    for (u32 type = 0; type < 256; ++type) {
        AcpiMachine machine;
        machine.port = static_cast<u8>(type);
        if (!known.contains(machine.port))
            EXPECT_EQ(read(machine).machine->uart.kind, UartKind::None) << type;
    }
}

TEST(Acpi, a_16550_has_bytes_or_words)
{
    AcpiMachine machine;
    machine.port = 0;
    EXPECT_EQ(read(machine).machine->uart.layout, (UartLayout{4, 2}));
    machine.port_width = 8;
    machine.port_access = 1;
    EXPECT_EQ(read(machine).machine->uart.layout, (UartLayout{1, 0}));
    machine.port_width = 32; // bytes in words
    EXPECT_EQ(read(machine).machine->uart.layout, (UartLayout{1, 2}));
    machine.port_access = 0; // not said
    EXPECT_EQ(read(machine).machine->uart.layout, (UartLayout{4, 2}));
}

} // namespace
} // namespace percival::testing

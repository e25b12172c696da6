// SPDX-License-Identifier: BSD-2-Clause
// Tests what the kernel takes from tables that iasl has compiled (acpi_tables).
#include "tests/host/uefi/acpi_by_tree.hpp"
#include "tests/host/uefi/acpi_reading.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace percival::testing {
namespace {

std::vector<std::byte> compiled(const std::string& name)
{
    std::ifstream file{std::string{PERCIVAL_ACPI_TABLES} + "/" + name + ".aml", std::ios::binary};
    EXPECT_TRUE(file) << name;
    std::vector<std::byte> bytes;
    std::ranges::transform(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{},
                           std::back_inserter(bytes), [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

AcpiReading read(const std::vector<std::string>& names)
{
    std::vector<std::vector<std::byte>> tables;
    for (const std::string& name : names)
        tables.push_back(compiled(name));
    AcpiReading reading{AcpiTables{tables}};
    EXPECT_EQ(reading.sentence + reading.notes, "");
    return reading;
}

TEST(AcpiCompiled, a_virt_with_a_gicv2_is_read)
{
    const AcpiReading reading = read({"virt/facp", "gicv2/apic", "virt/gtdt", "virt/spcr", "gicv2/pptt"});
    const MachineDescription& machine = *reading.machine;
    ASSERT_EQ(machine.cpus.size(), 2U);
    EXPECT_EQ(machine.cpus[1].mpidr, 1U);
    EXPECT_EQ(machine.cpus[1].start, CpuStart::Psci);
    EXPECT_EQ(machine.psci, PsciConduit::Hvc);
    EXPECT_EQ(machine.interrupt_controller.kind, InterruptControllerKind::GicV2);
    EXPECT_EQ(machine.interrupt_controller.distributor.base, PhysAddr{0x0800'0000});
    EXPECT_EQ(machine.interrupt_controller.cpu_interface.base, PhysAddr{0x0801'0000});
    EXPECT_EQ(machine.timer.virtual_interrupt, 27U);
    EXPECT_EQ(machine.uart.kind, UartKind::Pl011);
    EXPECT_EQ(machine.uart.registers.base, PhysAddr{0x0900'0000});
    EXPECT_EQ(wrong_by_a_tree(machine), "");
}

TEST(AcpiCompiled, a_virt_with_a_gicv3_threads_and_nodes_is_read)
{
    const AcpiReading reading =
        read({"virt/facp", "gicv3/apic", "gicv3/pptt", "virt/gtdt", "virt/spcr", "gicv3/srat"});
    const MachineDescription& machine = *reading.machine;
    ASSERT_EQ(machine.cpus.size(), 4U);
    for (u32 cpu = 0; cpu < 4; ++cpu) {
        EXPECT_EQ(machine.cpus[cpu].mpidr, cpu); // threads are neighbours already
        EXPECT_EQ(machine.cpus[cpu].numa_node, cpu / 2);
    }
    const auto& redistributors = machine.interrupt_controller.redistributors;
    EXPECT_EQ(machine.interrupt_controller.kind, InterruptControllerKind::GicV3);
    ASSERT_EQ(redistributors.size(), 1U);
    EXPECT_EQ(redistributors[0], (PhysRange{PhysAddr{0x080a'0000}, Bytes{0x00f6'0000}}));
    ASSERT_EQ(machine.memory.size(), 2U);
    for (u32 node = 0; node < 2; ++node) {
        EXPECT_EQ(machine.memory[node].range,
                  (PhysRange{PhysAddr{0x4000'0000 + node * 0x1000'0000}, Bytes{0x1000'0000}}));
        EXPECT_EQ(machine.memory[node].numa_node, node);
    }
    EXPECT_EQ(wrong_by_a_tree(machine), "");
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Tests that a machine is the same by its ACPI tables, by the tree that is made of them, and by its own tree.
#include "tests/host/uefi/acpi_by_tree.hpp"
#include "tests/host/uefi/acpi_reading.hpp"

#include <gtest/gtest.h>

#include <random>

namespace percival::testing {
namespace {

TEST(AcpiByTree, a_virt_by_its_tables_is_the_one_by_its_tree)
{
    const Reading tree{load_tree("qemu-virt-gicv3")};
    AcpiMachine machine;
    machine.cpus.resize(tree.machine->cpus.size());
    for (u32 at = 0; at < machine.cpus.size(); ++at)
        machine.cpus[at] = {tree.machine->cpus[at].mpidr, at};
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence, "");
    EXPECT_EQ(tables.notes, "");
    EXPECT_EQ(tables.machine->cpus_left_out, 0U);
    EXPECT_EQ(difference(*tables.machine, *tree.machine), "");
}

TEST(AcpiByTree, the_tree_that_is_made_of_a_description_describes_the_same)
{
    AcpiMachine machine;
    machine.cpus = {{0x1'0000'0000, 7, 1}, {0x1'0001'0203, 9, 2}};
    machine.redistributors = {{0x0100'0000, 0x2'0000}, {0x0200'0000, 0x4'0000}};
    machine.timer = 20;
    machine.physical_timer_of_el2 = 25;
    machine.virtual_timer_of_el2 = 28;
    machine.memory = {{1, 0x4000'0000, 0x1000'0000}, {2, 0x5000'0000, 0x1000'0000}};
    for (const u8 port : std::to_array<u8>({0x00, 0x03, 0x05, 0x06, 0x09, 0x0a, 0x0c, 0x0d, 0x11})) {
        machine.port = port;
        const AcpiReading tables = read(machine);
        ASSERT_EQ(tables.sentence, "");
        EXPECT_EQ(wrong_by_a_tree(*tables.machine), "");
        const auto tree = through_a_tree(*tables.machine, {&kMemoryOfTree, 1});
        ASSERT_EQ(tree->machine->memory.size(), 2U);
        EXPECT_EQ(tree->machine->memory[1].numa_node, 2U);
    }
}

TEST(AcpiByTree, a_gic_v2_and_parked_cpus_are_the_same_by_the_tree)
{
    AcpiMachine machine;
    machine.boot_flags = 0;
    machine.gic_version = 2;
    machine.cpu_interface = 0x0801'0000;
    for (u32 at = 0; at < 4; ++at) {
        machine.cpus[at].parking_version = at == 0 ? 0 : 1;
        machine.cpus[at].mailbox = 0x1'0000 + at * 0x2000;
    }
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence + tables.notes, "");
    EXPECT_EQ(tables.machine->cpus[3].start, CpuStart::Parking);
    EXPECT_EQ(wrong_by_a_tree(*tables.machine), "");
}

TEST(AcpiByTree, more_cpus_than_the_kernel_drives_are_counted)
{
    AcpiMachine machine;
    machine.cpus.clear();
    for (u32 at = 0; at < kMaxCpus + 3; ++at)
        machine.cpus.push_back({at, at});
    const AcpiReading tables = read(machine);
    EXPECT_EQ(tables.machine->cpus.size(), kMaxCpus);
    EXPECT_EQ(tables.machine->cpus_left_out, 3U);
    EXPECT_EQ(through_a_tree(*tables.machine, {&kMemoryOfTree, 1})->machine->cpus.size(), kMaxCpus);
}

TEST(AcpiByTree, damage_anywhere_leads_to_an_error_or_to_a_machine_that_can_be)
{
    std::mt19937 random{1};
    AcpiMachine whole;
    whole.threads = {{0, 7}, {2, 7}};
    whole.memory = {{1, 0x4000'0000, 0x1000'0000}, {2, 0x5000'0000, 0x1000'0000}};
    u32 readable = 0;
    for (int round = 0; round < 4000; ++round) {
        AcpiTables tables{whole};
        const std::vector<std::string> all = tables.signatures();
        const std::string& signature = all[random() % all.size()];
        const auto table = tables.table(signature);
        const u32 changes = 1 + random() % 3;
        for (u32 change = 0; change < changes; ++change)
            table[random() % table.size()] = static_cast<std::byte>(random());
        if (random() % 4 != 0)
            tables.fix(signature);
        const AcpiReading reading{tables};
        if (!reading.sentence.empty())
            continue;
        ++readable;
        ASSERT_EQ(wrong_by_a_tree(*reading.machine), "") << signature << "\n" << reading.notes;
    }
    EXPECT_GT(readable, 1000U);
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Tests that damaged ACPI tables are named, and lead to no wild access.
#include "tests/host/uefi/acpi_reading.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

TEST(AcpiDamage, a_wrong_checksum_or_length_is_named)
{
    for (const std::string signature : {"RSDP", "XSDT", "FACP", "APIC", "GTDT"}) {
        AcpiTables tables{AcpiMachine{}};
        tables.table(signature).back() ^= std::byte{1};
        EXPECT_TRUE(AcpiReading{tables}.sentence.starts_with("ACPI: " + signature + ": checksum: is wrong"))
            << signature;
    }
    AcpiTables tables{AcpiMachine{}};
    tables.table("SPCR").back() ^= std::byte{1};
    EXPECT_EQ(AcpiReading{tables}.sentence, "");
    EXPECT_TRUE(AcpiReading{tables}.notes.starts_with("ACPI: SPCR: checksum: is wrong"));
    for (const u8 length : {u8{0}, u8{35}}) {
        AcpiTables damaged{AcpiMachine{}};
        damaged.table("APIC")[4] = std::byte{length};
        damaged.table("APIC")[5] = std::byte{0};
        EXPECT_TRUE(AcpiReading{damaged}.sentence.starts_with("ACPI: APIC: length: is not that of a table"));
    }
}

TEST(AcpiDamage, an_entry_with_an_impossible_length_ends_its_table)
{
    for (const u8 length : {u8{0}, u8{1}}) {
        const AcpiReading reading = read_changed("APIC", 44 + 24 + 80 + 1, length); // the second CPU
        EXPECT_EQ(reading.sentence, "ACPI: APIC: GICR: there is no redistributor");
        EXPECT_EQ(reading.machine->cpus.size(), 1U);
        EXPECT_NE(reading.notes.find("an entry's is not possible"), std::string::npos);
    }
}

TEST(AcpiDamage, an_xsdt_is_a_list_of_whole_addresses)
{
    AcpiTables tables{AcpiMachine{}};
    const auto table = tables.table("XSDT");
    table[4] ^= std::byte{4};
    const u32 length = std::to_integer<u32>(table[4]);
    ASSERT_LT(length, table.size());
    make_sum_zero(table.first(length));
    EXPECT_TRUE(
        AcpiReading{tables}.sentence.starts_with("ACPI: XSDT: length: is not that of a list of addresses"))
        << AcpiReading{tables}.sentence;
}

TEST(AcpiDamage, a_revision_that_is_too_old_is_named)
{
    EXPECT_EQ(read_changed("RSDP", 15, 0).sentence, "ACPI: RSDP: revision: is older than ACPI 2.0 (0x0)");
    EXPECT_EQ(read_changed("FACP", 8, 5).sentence, "ACPI: FACP: revision: is older than ACPI 5.1 (0x500)");
    EXPECT_EQ(read_changed("APIC", 8, 2).notes,
              "ACPI: APIC: revision: is older than ACPI 5.1; it is read all the same (0x2)\n");
    EXPECT_EQ(read_changed("SPCR", 8, 1).notes,
              "ACPI: SPCR: revision: knows no such port; it is taken for one of revision 2 (0x3)\n");
    AcpiMachine machine;
    machine.cpus[1].domain = 1;
    const AcpiReading srat = read_changed("SRAT", 8, 1, machine);
    EXPECT_EQ(srat.notes, "ACPI: SRAT: revision: is older than ACPI 3.0, so all is on node 0 (0x1)\n");
    EXPECT_EQ(srat.machine->cpus[1].numa_node, 0U);
}

TEST(AcpiDamage, a_table_that_is_too_short_is_named)
{
    const auto shortened = [](std::string_view signature, u8 size) {
        AcpiTables tables{AcpiMachine{}};
        const auto table = tables.table(signature);
        table[4] = std::byte{size};
        table[5] = std::byte{0};
        make_sum_zero(table.first(size));
        const AcpiReading reading{tables};
        return reading.sentence + reading.notes;
    };
    EXPECT_EQ(shortened("FACP", 131), "ACPI: FACP: length: is too small (0x83)");
    EXPECT_EQ(shortened("GTDT", 79), "ACPI: GTDT: length: is too small (0x4f)");
    EXPECT_EQ(shortened("SPCR", 51), "ACPI: SPCR: length: is too small (0x33)\n");
}

// Makes an entry shorter; what is cut off becomes an entry of a kind that nobody knows.
AcpiReading read_with_short_entry(std::string_view signature, std::size_t entry, u8 length)
{
    AcpiMachine machine;
    machine.memory = {{1, 0x4000'0000, 0x1000'0000}};
    AcpiTables tables{machine};
    const auto table = tables.table(signature);
    const u32 whole = std::to_integer<u32>(table[entry + 1]);
    table[entry + 1] = std::byte{length};
    table[entry + length] = std::byte{0x7f};
    table[entry + length + 1] = static_cast<std::byte>(whole - length);
    tables.fix(signature);
    return AcpiReading{tables};
}

TEST(AcpiDamage, an_entry_that_is_too_short_for_its_kind_is_left_out_by_name)
{
    constexpr std::size_t kDistributor = 44, kCpu = kDistributor + 24, kRedistributors = kCpu + 4 * 80;
    const AcpiReading distributor = read_with_short_entry("APIC", kDistributor, 20);
    EXPECT_EQ(distributor.notes, "ACPI: APIC: GICD: length: is too small (0x14)\n");
    EXPECT_EQ(distributor.sentence, "ACPI: APIC: GICD: is missing");
    const AcpiReading cpu = read_with_short_entry("APIC", kCpu, 72);
    EXPECT_EQ(cpu.notes, "ACPI: APIC: GICC: length: is too small (0x48)\n");
    EXPECT_EQ(cpu.machine->cpus.size(), 3U);
    EXPECT_EQ(read_with_short_entry("APIC", kRedistributors, 12).notes,
              "ACPI: APIC: GICR: length: is too small (0xc)\n");
    const AcpiReading affinity = read_with_short_entry("SRAT", 48, 16);
    EXPECT_EQ(affinity.notes, "ACPI: SRAT: GICC: length: is too small (0x10)\n");
    const AcpiReading memory = read_with_short_entry("SRAT", 48 + 4 * 18, 38);
    EXPECT_EQ(memory.notes, "ACPI: SRAT: memory: length: is too small (0x26)\n");
    EXPECT_TRUE(memory.machine->memory.empty());
}

TEST(AcpiDamage, a_second_table_or_distributor_is_named_and_not_used)
{
    for (const std::string signature : {"FACP", "APIC", "GTDT", "SPCR", "SRAT", "PPTT"}) {
        AcpiMachine machine;
        machine.threads = {{0, 1}, {1, 1}};
        machine.doubled = {signature};
        const AcpiReading reading = read(machine);
        EXPECT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.notes, "ACPI: " + signature + ": there is a second one, which is not used\n");
    }
    AcpiMachine machine;
    machine.distributors = 2;
    const AcpiReading reading = read(machine);
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.notes, "ACPI: APIC: GICD: there is a second one, which is not used\n");
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Tests which CPUs the kernel takes from ACPI tables, in which order, and how they are started.
#include "tests/host/uefi/acpi_reading.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

TEST(AcpiCpus, a_cpu_that_is_not_enabled_is_none)
{
    AcpiMachine machine;
    machine.cpus[1].flags = 0;
    machine.cpus[2].flags = 8; // it may come, but only AML says when
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.machine->cpus.size(), 2U);
    EXPECT_EQ(tables.machine->cpus[1].mpidr, 3U);
    EXPECT_EQ(tables.notes,
              "ACPI: APIC: GICC: flags: CPUs may come later, which only AML would tell: they are left "
              "out (0x1)\n");
}

TEST(AcpiCpus, a_cpu_that_cannot_be_told_from_others_is_left_out_by_name)
{
    AcpiMachine machine;
    machine.cpus[2] = {1, 2};
    machine.cpus[3] = {0x8000'0003, 3};
    const AcpiReading tables = read(machine);
    EXPECT_EQ(tables.machine->cpus.size(), 2U);
    EXPECT_EQ(tables.notes, "ACPI: APIC: GICC 0x2: MPIDR: another CPU has the same (0x1)\n"
                            "ACPI: APIC: GICC 0x3: MPIDR: has bits beside the affinity (0x80000003)\n");
}

TEST(AcpiCpus, psci_is_called_as_the_fadt_says)
{
    AcpiMachine machine;
    EXPECT_EQ(read(machine).machine->psci, PsciConduit::Hvc);
    machine.boot_flags = 1;
    EXPECT_EQ(read(machine).machine->psci, PsciConduit::Smc);
    EXPECT_EQ(read(machine).machine->cpus[1].start, CpuStart::Psci);
    machine.boot_flags = 2;
    EXPECT_EQ(read(machine).machine->psci, PsciConduit::None);
    EXPECT_EQ(read(machine).machine->cpus[1].start, CpuStart::None);
}

TEST(AcpiCpus, without_psci_a_cpu_may_wait_at_its_mailbox_which_is_reserved)
{
    AcpiMachine machine;
    machine.boot_flags = 0;
    for (u32 at = 0; at < 4; ++at) {
        machine.cpus[at].parking_version = 1;
        machine.cpus[at].uid = 10 + at;
        machine.cpus[at].interface = 20 + at;
        machine.cpus[at].mailbox = (at < 3 ? 0x4010'0000 : 0x4020'0000) + at * 0x1000;
    }
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence + tables.notes, "");
    for (u32 at = 0; at < 4; ++at) {
        EXPECT_EQ(tables.machine->cpus[at].start, CpuStart::Parking);
        EXPECT_EQ(tables.machine->cpus[at].release_address.raw(), machine.cpus[at].mailbox);
        EXPECT_EQ(tables.machine->cpus[at].parking_id, 20 + at);
    }
    const auto& reserved = tables.machine->reserved;
    ASSERT_EQ(reserved.size(), 2U); // mailboxes that follow each other are one
    EXPECT_EQ(reserved[0].range, (PhysRange{PhysAddr{0x4010'0000}, Bytes{0x3000}}));
    EXPECT_TRUE(reserved[0].no_map);
}

TEST(AcpiCpus, a_mailbox_that_cannot_be_is_named)
{
    AcpiMachine machine;
    machine.boot_flags = 0;
    machine.cpus[1] = {.mpidr = 1, .uid = 1, .parking_version = 2, .mailbox = 0x4010'0000};
    machine.cpus[2] = {.mpidr = 2, .uid = 2, .parking_version = 1, .mailbox = 0x4010'0800};
    machine.cpus[3] = {.mpidr = 3, .uid = 3, .parking_version = 1, .mailbox = 0};
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence, "");
    for (const CpuDescription& cpu : tables.machine->cpus)
        EXPECT_EQ(cpu.start, CpuStart::None);
    EXPECT_TRUE(tables.machine->reserved.empty());
    EXPECT_EQ(tables.notes, "ACPI: APIC: GICC 0x1: parking protocol: its version is not 1 (0x2)\n"
                            "ACPI: APIC: GICC 0x2: parked address: is not that of a mailbox (0x40100800)\n"
                            "ACPI: APIC: GICC 0x3: parked address: is not that of a mailbox (0x0)\n");
}

TEST(AcpiCpus, more_mailboxes_than_can_be_reserved_leave_cpus_without_a_start)
{
    AcpiMachine machine;
    machine.boot_flags = 0;
    machine.cpus.clear();
    for (u32 at = 0; at < kMaxReservations + 1; ++at)
        machine.cpus.push_back(
            {.mpidr = at, .uid = at, .parking_version = 1, .mailbox = 0x4010'0000 + at * 0x2000});
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence, "");
    EXPECT_EQ(tables.machine->cpus[kMaxReservations - 1].start, CpuStart::Parking);
    EXPECT_EQ(tables.machine->cpus[kMaxReservations].start, CpuStart::None);
    EXPECT_EQ(tables.notes,
              "ACPI: APIC: GICC 0x80: parked address: there are more mailboxes than this kernel "
              "reserves memory for (0x40200000)\n");
}

TEST(AcpiCpus, the_threads_of_a_core_are_neighbours)
{
    AcpiMachine machine;
    machine.cpus.resize(6);
    for (u32 at = 0; at < 6; ++at)
        machine.cpus[at] = {.mpidr = at, .uid = 20 + at, .domain = at % 3};
    machine.threads = {{20, 1}, {21, 2}, {23, 1}, {24, 2}, {22, 3}}; // the UID of a core is none of them
    machine.memory = {{0, 0x4000'0000, 0x1000'0000}};
    const AcpiReading tables = read(machine);
    ASSERT_EQ(tables.sentence + tables.notes, "");
    std::vector<u64> order;
    for (const CpuDescription& cpu : tables.machine->cpus) {
        order.push_back(cpu.mpidr);
        EXPECT_EQ(cpu.numa_node, cpu.mpidr % 3);
    }
    EXPECT_EQ(order, (std::vector<u64>{0, 3, 1, 4, 2, 5}));
}

TEST(AcpiCpus, the_boot_cpu_comes_first_with_the_threads_of_its_core)
{
    AcpiMachine machine;
    machine.threads = {{0, 1}, {1, 1}, {2, 2}, {3, 2}};
    machine.memory = {{0, 0x4000'0000, 0x1000'0000}};
    for (u32 at = 0; at < 4; ++at)
        machine.cpus[at].domain = at;
    const std::vector<std::vector<u64>> orders{{0, 1, 2, 3}, {1, 0, 2, 3}, {2, 3, 0, 1}, {3, 2, 0, 1}};
    for (const auto& order : orders) {
        const AcpiReading tables = read(machine, u64{1} << 31 | order[0]); // with a bit beside the affinity
        ASSERT_EQ(tables.sentence + tables.notes, "");
        for (std::size_t at = 0; at < order.size(); ++at) {
            EXPECT_EQ(tables.machine->cpus[at].mpidr, order[at]) << order[0] << " " << at;
            EXPECT_EQ(tables.machine->cpus[at].numa_node, order[at]);
        }
    }
}

TEST(AcpiCpus, a_boot_cpu_that_the_tables_do_not_have_changes_no_order)
{
    const AcpiReading tables = read(AcpiMachine{}, 7);
    ASSERT_EQ(tables.sentence, "");
    for (u64 at = 0; at < 4; ++at)
        EXPECT_EQ(tables.machine->cpus[at].mpidr, at);
}

TEST(AcpiCpus, a_thread_without_a_core_stays_where_it_is)
{
    AcpiMachine machine;
    machine.threads = {{0, 1}, {2, 1}};
    const AcpiReading reading = read_changed("PPTT", 36 + 20 + 8, 1, machine); // the first thread's parent
    EXPECT_EQ(reading.notes, "ACPI: PPTT: processor 0x38: parent: is not that of a core (0x1)\n");
    EXPECT_EQ(reading.machine->cpus[1].mpidr, 1U);
}

TEST(AcpiCpus, two_cpus_of_one_uid_are_named)
{
    AcpiMachine machine;
    machine.cpus[3].uid = 1;
    machine.cpus[3].domain = 5;
    const AcpiReading tables = read(machine);
    EXPECT_EQ(
        tables.notes,
        "ACPI: APIC: GICC 0x1: processor UID: another CPU has the same, so both are on the same node (0x1)\n"
        "ACPI: SRAT: GICC 0x1: proximity domain: is a second one, which is not used (0x5)\n"
        "ACPI: SRAT: GICC 0x1: proximity domain: is a second one, which is not used (0x5)\n");
    EXPECT_EQ(tables.machine->cpus[3].numa_node, 0U);
}

} // namespace
} // namespace percival::testing

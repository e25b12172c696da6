// SPDX-License-Identifier: BSD-2-Clause
// Tests how the CPUs, their start methods and PSCI are read.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

Blob tree_with_cpus(u32 count)
{
    TreeEditor tree{load_tree("minimal")};
    tree.remove_node("/cpus/cpu")
        .add_node("/", "psci")
        .set_text("/psci", "compatible", "arm,psci-1.0")
        .set_text("/psci", "method", "smc");
    // libfdt adds nodes in front, so the loop runs from the last CPU to the first, which gives the tree's
    // order.
    for (u32 cpu = count; cpu-- > 0;) {
        const std::string path = "/cpus/cpu@" + std::to_string(cpu);
        tree.add_node("/cpus", "cpu@" + std::to_string(cpu))
            .set_cells(path, "reg", {(cpu / 16) << 8 | cpu % 16})
            .set_text(path, "enable-method", "psci");
    }
    return tree.finish();
}

TEST(DeviceTreeCpus, cpus_beyond_the_limit_are_left_out_and_counted)
{
    const Reading reading{tree_with_cpus(600)};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    ASSERT_EQ(reading.machine->cpus.size(), kMaxCpus);
    EXPECT_EQ(reading.machine->cpus_left_out, 600 - kMaxCpus);
    for (u32 cpu = 0; cpu < kMaxCpus; ++cpu)
        ASSERT_EQ(reading.machine->cpus[cpu].mpidr, (cpu / 16) << 8 | cpu % 16);
}

TEST(DeviceTreeCpus, exactly_the_limit_leaves_none_out)
{
    const Reading reading{tree_with_cpus(kMaxCpus)};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus.size(), kMaxCpus);
    EXPECT_EQ(reading.machine->cpus_left_out, 0U);
}

TEST(DeviceTreeCpus, the_boot_cpu_moves_to_the_front_and_the_others_keep_their_order)
{
    const Reading reading{tree_with_cpus(6)};
    ASSERT_EQ(reading.sentence, "");
    // MPIDR_EL1 as a CPU reads it: with RES1 bit 31, U and MT set.
    ASSERT_TRUE(move_boot_cpu_first(*reading.machine, 0xc100'0003));
    const std::array<u64, 6> expected{3, 0, 1, 2, 4, 5};
    for (std::size_t cpu = 0; cpu < expected.size(); ++cpu)
        EXPECT_EQ(reading.machine->cpus[cpu].mpidr, expected[cpu]);
    EXPECT_TRUE(move_boot_cpu_first(*reading.machine, 3));
    EXPECT_EQ(reading.machine->cpus[1].mpidr, 0U);
}

TEST(DeviceTreeCpus, a_boot_cpu_that_the_tree_does_not_know_is_refused)
{
    const Reading reading{tree_with_cpus(2)};
    EXPECT_FALSE(move_boot_cpu_first(*reading.machine, 0x1'0000'0000));
    EXPECT_EQ(reading.machine->cpus[0].mpidr, 0U);
}

TEST(DeviceTreeCpus, a_cpu_without_an_mpidr_of_its_own_is_noted_and_left_out)
{
    const auto expect_note = [](const Blob& tree, std::string_view note) {
        const Reading reading{tree};
        ASSERT_EQ(reading.sentence, "");
        EXPECT_EQ(reading.violation, "");
        EXPECT_TRUE(reading.has_note(note)) << reading.all_notes();
        ASSERT_EQ(reading.machine->cpus.size(), 3U);
        EXPECT_EQ(reading.machine->cpus[1].mpidr, 1U);
        EXPECT_EQ(reading.machine->cpus[2].mpidr, 3U);
    };
    const std::string cpu = "/cpus/cpu@2";
    expect_note(virt().set_cells(cpu, "reg", {1}).finish(),
                "/cpus/cpu@2: reg: another CPU has the same MPIDR (0x1)");
    expect_note(virt().set_cells(cpu, "reg", {0x8000'0002}).finish(),
                "/cpus/cpu@2: reg: is not an MPIDR (0x80000002)");
    expect_note(virt().set_cells(cpu, "reg", {0, 2}).finish(),
                "/cpus/cpu@2: reg: does not have as many cells as #address-cells says (0x8)");
    expect_note(virt().remove_property(cpu, "reg").finish(), "/cpus/cpu@2: reg: is missing");
}

TEST(DeviceTreeCpus, a_disabled_cpu_may_share_an_mpidr)
{
    const Reading reading{
        virt().set_cells("/cpus/cpu@3", "reg", {1}).set_text("/cpus/cpu@3", "status", "disabled").finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus.size(), 3U);
}

TEST(DeviceTreeCpus, the_parent_may_give_the_enable_method_for_all_cpus)
{
    TreeEditor tree = virt();
    for (const char* cpu : {"/cpus/cpu@0", "/cpus/cpu@1", "/cpus/cpu@2", "/cpus/cpu@3"})
        tree.remove_property(cpu, "enable-method");
    tree.set_text("/cpus", "enable-method", "psci");
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus[3].start, CpuStart::Psci);
}

TEST(DeviceTreeCpus, an_unknown_method_is_noted_and_cannot_start_the_cpu)
{
    const Reading reading{virt().set_text("/cpus/cpu@1", "enable-method", "smoke-signals").finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus[1].start, CpuStart::None);
    EXPECT_TRUE(reading.has_note("/cpus/cpu@1: enable-method: is not known to this kernel"))
        << reading.all_notes();
}

TEST(DeviceTreeCpus, a_cpu_parked_by_its_firmware_has_a_mailbox_and_a_number)
{
    TreeEditor tree{load_tree("raspberry-pi-4")};
    for (const u32 cpu : {1U, 2U, 3U})
        tree.set_text("/cpus/cpu@" + std::to_string(cpu), "enable-method", "acpi-parking-protocol")
            .set_cells("/cpus/cpu@" + std::to_string(cpu), "cpu-release-addr", {0, 0x20'0000});
    tree.set_cells("/cpus/cpu@1", "acpi-parking-id", {5})
        .set_cells("/cpus/cpu@2", "cpu-release-addr", {0, 0x20'0008})
        .set_cells("/cpus/cpu@3", "acpi-parking-id", {1, 0});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus[1].start, CpuStart::Parking);
    EXPECT_EQ(reading.machine->cpus[1].release_address, PhysAddr{0x20'0000});
    EXPECT_EQ(reading.machine->cpus[1].parking_id, 5U);
    EXPECT_EQ(reading.machine->cpus[2].start, CpuStart::None);
    EXPECT_EQ(reading.machine->cpus[3].start, CpuStart::None);
    EXPECT_TRUE(reading.has_note("/cpus/cpu@2: cpu-release-addr: is not that of a mailbox"))
        << reading.all_notes();
    EXPECT_TRUE(reading.has_note("/cpus/cpu@3: acpi-parking-id: is not a number of one cell"))
        << reading.all_notes();
}

TEST(DeviceTreeCpus, a_spin_table_without_a_good_release_address_is_noted_and_cannot_start_the_cpu)
{
    TreeEditor tree{load_tree("raspberry-pi-4")};
    tree.remove_property("/cpus/cpu@1", "cpu-release-addr")
        .set_cells("/cpus/cpu@2", "cpu-release-addr", {0, 0xe0, 0})
        .set_cells("/cpus/cpu@3", "cpu-release-addr", {0, 0});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->cpus[0].start, CpuStart::SpinTable);
    EXPECT_EQ(reading.machine->cpus[1].start, CpuStart::None);
    EXPECT_EQ(reading.machine->cpus[2].start, CpuStart::None);
    EXPECT_EQ(reading.machine->cpus[3].start, CpuStart::None);
    EXPECT_TRUE(reading.has_note("/cpus/cpu@1: cpu-release-addr: is missing")) << reading.all_notes();
    EXPECT_TRUE(reading.has_note("/cpus/cpu@2: cpu-release-addr: is not a number of one or two cells"))
        << reading.all_notes();
    EXPECT_TRUE(
        reading.has_note("/cpus/cpu@3: cpu-release-addr: is 0: the loader has not filled it in (0x0)"))
        << reading.all_notes();
}

// The machine is read, none of its CPUs can be started, and the only note says why.
void expect_one_cpu(TreeEditor& tree, std::string_view note)
{
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    EXPECT_EQ(reading.machine->psci, PsciConduit::None);
    ASSERT_EQ(reading.machine->cpus.size(), 4U);
    for (const CpuDescription& cpu : reading.machine->cpus)
        EXPECT_EQ(cpu.start, CpuStart::None);
    EXPECT_EQ(reading.all_notes(), "device tree: " + std::string{note} + "\n");
}

TEST(DeviceTreeCpus, without_a_psci_node_one_cpu_runs)
{
    TreeEditor tree = virt();
    expect_one_cpu(tree.remove_node("/psci"),
                   "/psci: is missing, so CPUs with enable-method \"psci\" cannot be started");
}

TEST(DeviceTreeCpus, with_a_disabled_psci_node_one_cpu_runs)
{
    TreeEditor tree = virt();
    expect_one_cpu(tree.set_text("/psci", "status", "disabled"),
                   "/psci: is disabled, so CPUs with enable-method \"psci\" cannot be started");
}

TEST(DeviceTreeCpus, with_a_psci_node_that_cannot_be_used_one_cpu_runs)
{
    TreeEditor wrong = virt();
    expect_one_cpu(wrong.set_text("/psci", "method", "svc"), "/psci: method: is neither hvc nor smc");
    TreeEditor missing = virt();
    expect_one_cpu(missing.remove_property("/psci", "method"), "/psci: method: is missing");
}

TEST(DeviceTreeCpus, psci_is_not_missed_by_a_single_cpu)
{
    TreeEditor tree = virt();
    tree.remove_node("/psci")
        .remove_node("/cpus/cpu@1")
        .remove_node("/cpus/cpu@2")
        .remove_node("/cpus/cpu@3");
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.all_notes(), "");
    EXPECT_EQ(reading.machine->psci, PsciConduit::None);
}

TEST(DeviceTreeCpus, psci_is_not_missed_where_spin_tables_start_the_cpus)
{
    const Reading reading{load_tree("raspberry-pi-4")};
    EXPECT_EQ(reading.machine->psci, PsciConduit::None);
    EXPECT_EQ(reading.machine->cpus[3].start, CpuStart::SpinTable);
    EXPECT_EQ(reading.all_notes(), "");
}

TEST(DeviceTreeCpus, psci_0_1_has_its_own_function_number)
{
    TreeEditor tree = virt();
    tree.set_text("/psci", "compatible", "arm,psci").set_cells("/psci", "cpu_on", {0x95c1'ba60});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->psci_v01_cpu_on, 0x95c1'ba60U);
    EXPECT_EQ(reading.machine->psci, PsciConduit::Hvc);
    EXPECT_EQ(reading.machine->cpus[1].start, CpuStart::Psci);

    expect_one_cpu(tree.remove_property("/psci", "cpu_on"),
                   "/psci: cpu_on: is not a PSCI 0.1 function number (0x0)");
}

} // namespace
} // namespace percival::testing

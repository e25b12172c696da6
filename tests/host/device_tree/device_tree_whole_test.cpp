// SPDX-License-Identifier: BSD-2-Clause
// Tests whole trees of real and invented machines, read unchanged.
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/range.hpp"
#include "tests/host/support/tree_parameter.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

class EveryTree : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryTree, is_read_and_satisfies_the_invariants)
{
    const Reading reading{load_tree(GetParam())};
    EXPECT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.violation, "");
    if (GetParam() != "minimal") {
        EXPECT_EQ(reading.all_notes(), "");
    }
}

TEST_P(EveryTree, may_be_followed_by_padding)
{
    Blob blob = load_tree(GetParam());
    blob.resize(blob.size() + 4096, std::byte{0xff});
    const Reading reading{blob};
    EXPECT_EQ(reading.sentence, "");
}

TEST_P(EveryTree, leaves_no_data_of_an_earlier_tree)
{
    const Reading fresh{load_tree(GetParam())};
    for (const std::string& other : all_trees()) {
        Reading used{load_tree(other)};
        const GuardedBlob blob{load_tree(GetParam())};
        ASSERT_TRUE(read_device_tree(blob.bytes(), *used.machine));
        EXPECT_EQ(used.machine->model, fresh.machine->model);
        EXPECT_EQ(used.machine->boot_arguments, fresh.machine->boot_arguments);
        EXPECT_EQ(used.machine->random_seed, fresh.machine->random_seed);
        EXPECT_EQ(used.machine->memory.size(), fresh.machine->memory.size());
        EXPECT_EQ(used.machine->reserved.size(), fresh.machine->reserved.size());
        EXPECT_EQ(used.machine->cpus.size(), fresh.machine->cpus.size());
        EXPECT_EQ(used.machine->psci, fresh.machine->psci);
        EXPECT_EQ(used.machine->interrupt_controller.cpu_interface,
                  fresh.machine->interrupt_controller.cpu_interface);
        EXPECT_EQ(used.machine->interrupt_controller.redistributors.size(),
                  fresh.machine->interrupt_controller.redistributors.size());
        EXPECT_EQ(used.machine->interrupt_controller.redistributor_stride,
                  fresh.machine->interrupt_controller.redistributor_stride);
        EXPECT_EQ(used.machine->interrupt_controller.kind, fresh.machine->interrupt_controller.kind);
        EXPECT_EQ(used.machine->interrupt_controller.distributor,
                  fresh.machine->interrupt_controller.distributor);
        EXPECT_EQ(used.machine->interrupt_controller.local, fresh.machine->interrupt_controller.local);
        EXPECT_EQ(used.machine->interrupt_controller.peripherals,
                  fresh.machine->interrupt_controller.peripherals);
        EXPECT_EQ(used.machine->uart.registers, fresh.machine->uart.registers);
        EXPECT_EQ(used.machine->timer.virtual_interrupt, fresh.machine->timer.virtual_interrupt);
        EXPECT_EQ(used.machine->timer.frequency_override, fresh.machine->timer.frequency_override);
        EXPECT_EQ(used.machine->watchdogs.size(), fresh.machine->watchdogs.size());
        EXPECT_EQ(used.machine->notes.size(), fresh.machine->notes.size());
    }
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, EveryTree, ::testing::ValuesIn(all_trees()), tree_test_name);

TEST(DeviceTreeWhole, qemu_virt_with_gicv3)
{
    const Reading reading{load_tree("qemu-virt-gicv3")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;

    EXPECT_EQ(machine.model, "linux,dummy-virt");
    EXPECT_EQ(machine.compatible, "linux,dummy-virt");
    EXPECT_EQ(machine.boot_arguments, "selftest=percpu.* selftest.timeout=30 verdict=semihosting");
    EXPECT_NE(machine.random_seed, 0U);
    ASSERT_EQ(machine.memory.size(), 1U);
    EXPECT_EQ(machine.memory[0].range, range(0x4000'0000, 0x2000'0000));
    EXPECT_TRUE(machine.reserved.empty());
    ASSERT_EQ(machine.cpus.size(), 4U);
    for (u32 cpu = 0; cpu < 4; ++cpu) {
        EXPECT_EQ(machine.cpus[cpu].mpidr, cpu);
        EXPECT_EQ(machine.cpus[cpu].start, CpuStart::Psci);
    }
    EXPECT_EQ(machine.psci, PsciConduit::Hvc);
    EXPECT_EQ(machine.psci_v01_cpu_on, 0U);
    EXPECT_EQ(machine.interrupt_controller.kind, InterruptControllerKind::GicV3);
    EXPECT_EQ(machine.interrupt_controller.distributor, range(0x0800'0000, 0x1'0000));
    ASSERT_EQ(machine.interrupt_controller.redistributors.size(), 1U);
    EXPECT_EQ(machine.interrupt_controller.redistributors[0], range(0x080a'0000, 0xf6'0000));
    EXPECT_EQ(machine.interrupt_controller.redistributor_stride, 0U);
    EXPECT_EQ(machine.uart.kind, UartKind::Pl011);
    EXPECT_EQ(machine.uart.registers, range(0x0900'0000, 0x1000));
    EXPECT_EQ(machine.timer.virtual_interrupt, 27U);
    EXPECT_EQ(machine.timer.frequency_override, 0U);
}

TEST(DeviceTreeWhole, qemu_virt_with_gicv2)
{
    const Reading reading{load_tree("qemu-virt-gicv2")};
    ASSERT_EQ(reading.sentence, "");
    EXPECT_EQ(reading.machine->interrupt_controller.kind, InterruptControllerKind::GicV2);
    EXPECT_EQ(reading.machine->interrupt_controller.distributor, range(0x0800'0000, 0x1'0000));
    EXPECT_EQ(reading.machine->interrupt_controller.cpu_interface, range(0x0801'0000, 0x1'0000));
    EXPECT_TRUE(reading.machine->interrupt_controller.redistributors.empty());
}

TEST(DeviceTreeWhole, raspberry_pi_4_with_spin_tables_behind_a_translating_bus)
{
    const Reading reading{load_tree("raspberry-pi-4")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;

    EXPECT_EQ(machine.model, "Raspberry Pi 4 Model B Rev 1.4");
    EXPECT_EQ(machine.compatible, "raspberrypi,4-model-b");
    EXPECT_NE(machine.random_seed, 0U) << "kaslr-seed counts when rng-seed has been zeroed";
    ASSERT_EQ(machine.memory.size(), 3U) << "the last two banks touch";
    EXPECT_EQ(machine.memory[0].range, range(0, 0x3b40'0000));
    EXPECT_EQ(machine.memory[1].range, range(0x4000'0000, 0xbc00'0000));
    EXPECT_EQ(machine.memory[2].range, range(0x1'0000'0000, 0x1'0000'0000));
    ASSERT_EQ(machine.reserved.size(), 2U) << "dynamic and disabled ones reserve nothing";
    EXPECT_EQ(machine.reserved[0].range, range(0, 0x1000));
    EXPECT_FALSE(machine.reserved[0].no_map);
    EXPECT_EQ(machine.reserved[1].range, range(0x3ef6'4000, 0x100));
    EXPECT_TRUE(machine.reserved[1].no_map);
    ASSERT_EQ(machine.cpus.size(), 4U);
    for (u32 cpu = 0; cpu < 4; ++cpu) {
        EXPECT_EQ(machine.cpus[cpu].start, CpuStart::SpinTable);
        EXPECT_EQ(machine.cpus[cpu].release_address, PhysAddr{0xd8 + 8 * cpu});
    }
    EXPECT_EQ(machine.psci, PsciConduit::None);
    EXPECT_EQ(machine.interrupt_controller.kind, InterruptControllerKind::GicV2);
    EXPECT_EQ(machine.interrupt_controller.distributor, range(0xff84'1000, 0x1000));
    EXPECT_EQ(machine.interrupt_controller.cpu_interface, range(0xff84'2000, 0x2000));
    EXPECT_EQ(machine.uart.registers, range(0xfe20'1000, 0x200)) << "the one the alias names, not the first";
    ASSERT_EQ(machine.watchdogs.size(), 1U);
    EXPECT_EQ(machine.watchdogs[0].registers, range(0xfe10'0000, 0x114));
}

TEST(DeviceTreeWhole, raspberry_pi_3_with_a_local_controller_instead_of_a_gic)
{
    const Reading reading{load_tree("raspberry-pi-3")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;

    EXPECT_EQ(machine.interrupt_controller.kind, InterruptControllerKind::Bcm2836);
    EXPECT_EQ(machine.interrupt_controller.local, range(0x4000'0000, 0x100));
    EXPECT_EQ(machine.interrupt_controller.peripherals, range(0x3f00'b200, 0x200));
    EXPECT_EQ(machine.timer.virtual_interrupt, 19U) << "interrupt 3, the third of the list";
    ASSERT_EQ(machine.memory.size(), 1U);
    EXPECT_EQ(machine.memory[0].range, range(0, 0x3b40'0000));
    ASSERT_EQ(machine.reserved.size(), 1U);
    EXPECT_EQ(machine.reserved[0].range, range(0, 0x1000));
    ASSERT_EQ(machine.cpus.size(), 4U);
    for (u32 cpu = 0; cpu < 4; ++cpu) {
        EXPECT_EQ(machine.cpus[cpu].mpidr, cpu);
        EXPECT_EQ(machine.cpus[cpu].start, CpuStart::SpinTable);
        EXPECT_EQ(machine.cpus[cpu].release_address, PhysAddr{0xd8 + 8 * cpu});
    }
    EXPECT_EQ(machine.uart.registers, range(0x3f20'1000, 0x200));
}

TEST(DeviceTreeWhole, numa_server)
{
    const Reading reading{load_tree("numa-server")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;

    EXPECT_EQ(machine.model, "percival,numa-server") << "compatible stands in for a missing model";
    ASSERT_EQ(machine.memory.size(), 3U) << "sorted, neighbours joined, the secure bank left out";
    EXPECT_EQ(machine.memory[0].range, range(0x8000'0000, 0x3000'0000));
    EXPECT_EQ(machine.memory[0].numa_node, 0U);
    EXPECT_EQ(machine.memory[1].range, range(0xc000'0000, 0x2000'0000));
    EXPECT_EQ(machine.memory[2].range, range(0x9'0000'0000, 0x1'0000'0000));
    EXPECT_EQ(machine.memory[2].numa_node, 1U);

    ASSERT_EQ(machine.reserved.size(), 5U);
    EXPECT_EQ(machine.reserved[0].range, range(0x8000'0000, 0x1'0000));
    EXPECT_EQ(machine.reserved[1].range, range(0x9fff'0000, 0x8000));
    EXPECT_EQ(machine.reserved[2].range, range(0x9000'0000, 0x10'0000));
    EXPECT_TRUE(machine.reserved[2].no_map);
    EXPECT_EQ(machine.reserved[3].range, range(0x9800'0000, 0x20'0000));
    EXPECT_TRUE(machine.reserved[3].no_map);
    EXPECT_EQ(machine.reserved[4].range, range(0xa000'0000, 0x1000));
    EXPECT_FALSE(machine.reserved[4].no_map);

    ASSERT_EQ(machine.cpus.size(), 3U) << "failed and disabled CPUs are not there";
    EXPECT_EQ(machine.cpus[0].mpidr, 0x100U);
    EXPECT_EQ(machine.cpus[1].mpidr, 0x1'0000'0000U);
    EXPECT_EQ(machine.cpus[2].mpidr, 0x1'0081'0300U);
    EXPECT_EQ(machine.cpus[0].numa_node, 0U);
    EXPECT_EQ(machine.cpus[2].numa_node, 1U);
    EXPECT_EQ(machine.psci, PsciConduit::Smc);

    ASSERT_EQ(machine.interrupt_controller.redistributors.size(), 2U);
    EXPECT_EQ(machine.interrupt_controller.redistributors[0], range(0x2f10'0000, 0x20'0000));
    EXPECT_EQ(machine.interrupt_controller.redistributors[1], range(0x10'2f10'0000, 0x20'0000));
    EXPECT_EQ(machine.interrupt_controller.redistributor_stride, 0x4'0000U);
    EXPECT_EQ(machine.timer.virtual_interrupt, 28U) << "found by name, not by place";
    EXPECT_EQ(machine.timer.frequency_override, 50'000'000U);
    EXPECT_EQ(machine.uart.registers, range(0x1c10'1000, 0x1000)) << "through two buses";
}

TEST(DeviceTreeWhole, unusual_tree)
{
    const Reading reading{load_tree("unusual")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;
    EXPECT_EQ(machine.model, "unknown");
    EXPECT_EQ(machine.boot_arguments, "");
    ASSERT_EQ(machine.memory.size(), 2U);
    EXPECT_EQ(machine.memory[0].range, range(0x8000'0000, 0x10'0000));
    EXPECT_EQ(machine.memory[1].range, range(0x9000'0000, 0x800'0000));
    ASSERT_EQ(machine.reserved.size(), 1U);
    EXPECT_EQ(machine.reserved[0].range, range(0x9000'0000, 0x1000));
    EXPECT_EQ(machine.psci, PsciConduit::Smc);
    EXPECT_EQ(machine.psci_v01_cpu_on, 0xc400'0003U);
    ASSERT_EQ(machine.cpus.size(), 2U);
    EXPECT_EQ(machine.cpus[0].start, CpuStart::Psci);
    EXPECT_EQ(machine.cpus[1].release_address, PhysAddr{0x9000'0ff8});
    EXPECT_EQ(machine.interrupt_controller.cpu_interface, range(0x2c00'2000, 0x100));
    EXPECT_EQ(machine.timer.virtual_interrupt, 28U);
    EXPECT_EQ(machine.uart.registers, range(0x1c0a'0000, 0x1000));
}

TEST(DeviceTreeWhole, minimal_tree)
{
    const Reading reading{load_tree("minimal")};
    ASSERT_EQ(reading.sentence, "");
    const MachineDescription& machine = *reading.machine;
    EXPECT_EQ(machine.model, "unknown");
    EXPECT_EQ(machine.boot_arguments, "");
    EXPECT_EQ(machine.random_seed, 0U);
    EXPECT_EQ(machine.memory[0].range, range(0x4000'0000, 0x0800'0000));
    ASSERT_EQ(machine.cpus.size(), 1U);
    EXPECT_EQ(machine.cpus[0].mpidr, 0x80U);
    EXPECT_EQ(machine.cpus[0].start, CpuStart::None);
    EXPECT_EQ(machine.psci, PsciConduit::None);
    EXPECT_EQ(machine.uart.kind, UartKind::None);
    EXPECT_EQ(machine.timer.virtual_interrupt, 27U);
    EXPECT_EQ(reading.all_notes(),
              "device tree: /: there is no generic timer, so its interrupt is assumed to be (0x1b)\n");
}

} // namespace
} // namespace percival::testing

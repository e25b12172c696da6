// SPDX-License-Identifier: BSD-2-Clause
// Which ranges of addresses may become memory, and why not.
#include "mm/hot_memory/new_memory.hpp"
#include "mm/physical/page_zone.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace percival::mm {
namespace {

constexpr PhysRange kWindow{PhysAddr{0x4000'0000}, Bytes{u64{1} << 47}};

class NewMemory : public ::testing::Test {
protected:
    NewMemory()
    {
        EXPECT_TRUE(machine->memory.push({{PhysAddr{0x4000'0000}, 1_GiB}, 0}));
        machine->interrupt_controller.distributor = {PhysAddr{0x1'0000'0000}, 64_KiB};
        EXPECT_TRUE(machine->interrupt_controller.redistributors.push({PhysAddr{0x1'0100'0000}, 128_KiB}));
        machine->uart.registers = {PhysAddr{0x1'0200'0000}, 4_KiB};
        EXPECT_TRUE(machine->watchdogs.push({.registers = {PhysAddr{0x1'0300'0000}, 4_KiB}}));
        EXPECT_TRUE(machine->reserved.push({{PhysAddr{0x1'0400'1000}, 4_KiB}, false}));
        CpuDescription parked;
        parked.start = CpuStart::SpinTable;
        parked.release_address = PhysAddr{0x1'0500'0008};
        EXPECT_TRUE(machine->cpus.push(parked));
    }
    std::optional<HotMemoryError> error_of(PhysRange range)
    {
        const auto checked = check_new_memory(range, kWindow, *machine);
        return checked ? std::nullopt : std::optional{checked.error()};
    }
    // A unit that contains `address`.
    static PhysRange unit_at(u64 address)
    {
        return {PhysAddr{address}.align_down(kHotMemoryUnit), kHotMemoryUnit};
    }

    std::unique_ptr<MachineDescription> machine = std::make_unique<MachineDescription>();
};

TEST_F(NewMemory, MayBeAnywhereElseInTheWindow)
{
    EXPECT_EQ(error_of({PhysAddr{0x8000'0000}, 1_GiB}), std::nullopt); // right behind a bank
    EXPECT_EQ(error_of({kWindow.end() - kHotMemoryUnit, kHotMemoryUnit}), std::nullopt);
}

TEST_F(NewMemory, IsWholeUnits)
{
    EXPECT_EQ(error_of({PhysAddr{0x8000'0000}, Bytes{0}}), HotMemoryError::Empty);
    EXPECT_EQ(error_of({PhysAddr{0x8000'1000}, kHotMemoryUnit}), HotMemoryError::Misaligned);
    EXPECT_EQ(error_of({PhysAddr{0x8000'0000}, kHotMemoryUnit + 4_KiB}), HotMemoryError::Misaligned);
}

TEST_F(NewMemory, IsInTheWindowAndDoesNotWrap)
{
    EXPECT_EQ(error_of({PhysAddr{0x3fc0'0000}, kHotMemoryUnit}), HotMemoryError::OutOfReach);
    EXPECT_EQ(error_of({kWindow.end() - kHotMemoryUnit, kHotMemoryUnit * 2}), HotMemoryError::OutOfReach);
    EXPECT_EQ(error_of({PhysAddr{0} - kHotMemoryUnit, kHotMemoryUnit * 2}), HotMemoryError::OutOfReach);
}

TEST_F(NewMemory, HasNoMorePagesThanAZone)
{
    const Bytes most{(PageZone::kMaxPages << 12) & ~(kHotMemoryUnit.count() - 1)};
    EXPECT_EQ(error_of({PhysAddr{0x100'0000'0000}, most}), std::nullopt);
    EXPECT_EQ(error_of({PhysAddr{0x100'0000'0000}, most + kHotMemoryUnit}), HotMemoryError::TooLarge);
}

TEST_F(NewMemory, OverlapsNothingThatTheTreeDescribes)
{
    EXPECT_EQ(error_of({PhysAddr{0x4000'0000}, kHotMemoryUnit}), HotMemoryError::IsMemory);
    EXPECT_EQ(error_of({PhysAddr{0x7fc0'0000}, kHotMemoryUnit * 2}), HotMemoryError::IsMemory);
    EXPECT_EQ(error_of(unit_at(0x1'0400'0000)), HotMemoryError::IsReserved);
    EXPECT_EQ(error_of(unit_at(0x1'0500'0000)), HotMemoryError::IsReserved);
    for (const u64 device : {0x1'0000'0000u, 0x1'0100'0000u, 0x1'0200'0000u, 0x1'0300'0000u})
        EXPECT_EQ(error_of(unit_at(device)), HotMemoryError::IsDevice) << device;
}

} // namespace
} // namespace percival::mm

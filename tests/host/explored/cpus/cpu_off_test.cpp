// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that goes off, the CPU that asks it to, and one that unmaps what it
// uses.
#include "explored/cpus/cpu_life_bed.hpp"

namespace percival::testing {
namespace {

using interleaved::expect_right;

// CPU 1 goes off. Once it is off, its stack is freed.
struct GoesOff : CpuLife {
    using CpuLife::CpuLife;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(take_cpu_offline(kLiving).has_value(), "a CPU does not go off");
            unmap(kStack, kStackPage);
        } else if (cpu == 1) {
            be_idle();
        }
    }
    std::string verdict()
    {
        require(!is_online(kLiving) && can_start_again(kLiving), "a CPU is off, but not known to be");
        return CpuLife::verdict();
    }
};

TEST(ExploredCpuLifeTest, ACpuIsOffWhenItsStackIsFreed)
{
    expect_right<GoesOff>("a CPU goes off");
}

// CPU 1 goes off while CPU 2 unmaps what CPU 1 uses.
struct GoesOffMeanwhile : CpuLife {
    using CpuLife::CpuLife;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(take_cpu_offline(kLiving).has_value(), "a CPU does not go off");
        } else if (cpu == 1) {
            read(kData, {kDataPage, std::nullopt});
            be_idle();
        } else {
            unmap(kData, kDataPage);
            read(kData, {std::nullopt});
        }
    }
};

TEST(ExploredCpuLifeTest, AFlushEndsWhetherACpuIsOffOrNot)
{
    expect_right<GoesOffMeanwhile>("a CPU goes off meanwhile");
}

} // namespace
} // namespace percival::testing

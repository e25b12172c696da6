// SPDX-License-Identifier: BSD-2-Clause
// How an exception rewrites the registers that a this_cpu operation has noted.
#include "arch/arm64/include/arch/percpu_modes/fixup.hpp"

#include <gtest/gtest.h>

namespace percival::arch {
namespace {

constexpr u64 kDistance = 0xffff'8000'4000'0000;

// A note as a sequence writes it (arch/percpu/site.hpp).
constexpr PercpuNote note_of(u32 address, u32 distance, u32 sum)
{
    return {static_cast<u16>(address | distance << 5 | sum << 10)};
}

Registers numbered_registers()
{
    Registers registers{};
    for (u64 n = 0; n < 31; ++n)
        registers.x[n] = 0x1000 + n;
    return registers;
}

TEST(Fixup, DistanceAndSumAreRewrittenForTheCpuAndNothingElse)
{
    for (u32 address = 0; address < 31; ++address) {
        const u32 distance = (address + 7) % 31, sum = (address + 19) % 31;
        Registers registers = numbered_registers();
        fix_up(registers, note_of(address, distance, sum), kDistance);
        for (u32 n = 0; n < 31; ++n) {
            const u64 expected = n == distance ? kDistance
                                 : n == sum    ? 0x1000 + address + kDistance
                                               : 0x1000 + n;
            EXPECT_EQ(registers.x[n], expected) << "x" << n << " of a note of x" << address;
        }
    }
}

TEST(Fixup, EveryReturnRewritesFromTheAddressSoThatOnlyTheLastCpuCounts)
{
    Registers registers = numbered_registers();
    for (const u64 distance : {kDistance, u64{0}, 3 * kDistance})
        fix_up(registers, note_of(8, 13, 12), distance);
    EXPECT_EQ(registers.x[13], 3 * kDistance);
    EXPECT_EQ(registers.x[12], 0x1008 + 3 * kDistance);
}

} // namespace
} // namespace percival::arch

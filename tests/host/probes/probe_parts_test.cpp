// SPDX-License-Identifier: BSD-2-Clause
// What the probes decide before they try: how often, and which CPUs are paired.
#include "kernel/probes/budget.hpp"
#include "kernel/probes/tlb_pairs.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace percival {
namespace {

std::vector<u32> distances(u32 cpus)
{
    std::vector<u32> all;
    for (u32 at = 0; (at = next_pair_distance(at, cpus)) != 0;)
        all.push_back(at);
    return all;
}

u64 pairs_of(u32 cpus)
{
    u64 pairs = 0;
    for (const u32 distance : distances(cpus)) {
        for (u32 cpu = 0; cpu < cpus; ++cpu)
            pairs += (cpu ^ distance) < cpus && cpu < (cpu ^ distance);
    }
    return pairs;
}

TEST(PairDistances, UpToSixteenCpusEveryPairIsProbedOnce)
{
    for (u32 cpus = 1; cpus <= 16; ++cpus)
        EXPECT_EQ(pairs_of(cpus), u64{cpus} * (cpus - 1) / 2) << cpus;
}

TEST(PairDistances, OfMoreCpusFourNeighboursAndOneOtherBitAtATime)
{
    EXPECT_EQ(distances(17), (std::vector<u32>{1, 2, 3, 4, 8, 16}));
    EXPECT_EQ(distances(512), (std::vector<u32>{1, 2, 3, 4, 8, 16, 32, 64, 128, 256}));
}

TEST(TryBudget, ANumberOfTriesTakesWhateverTimeItNeeds)
{
    constexpr TryBudget kThree{.tries = 3, .ticks = 10};
    EXPECT_TRUE(kThree.allows(2, 1000));
    EXPECT_FALSE(kThree.allows(3, 0));
}

TEST(TryBudget, ATimeEndsTheTriesButNotTheFirstTen)
{
    constexpr TryBudget kTime{.tries = 0, .ticks = 10};
    EXPECT_TRUE(kTime.allows(1'000'000, 9));
    EXPECT_FALSE(kTime.allows(TryBudget::kLeast, 10));
    EXPECT_TRUE(kTime.allows(TryBudget::kLeast - 1, 1000));
}

TEST(TryBudget, PairsShareItAndEachHasOneTry)
{
    constexpr TryBudget kShare = TryBudget{.tries = 9, .ticks = 90}.divided_by(4);
    EXPECT_EQ(kShare.tries, 2u);
    EXPECT_EQ(kShare.ticks, 22u);
    EXPECT_EQ((TryBudget{.tries = 3, .ticks = 8}.divided_by(4).tries), 1u);
    EXPECT_EQ((TryBudget{.tries = 0, .ticks = 8}.divided_by(4).tries), 0u);
}

} // namespace
} // namespace percival

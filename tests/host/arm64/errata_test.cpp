// SPDX-License-Identifier: BSD-2-Clause
// Tests the edges of the lists of CPU models: the last release with an erratum, and the first without it.
#include "arch/arm64/include/arch/cpu/errata.hpp"

#include <gtest/gtest.h>

namespace percival::arch {
namespace {

constexpr u64 midr(u64 implementer, u64 part, u64 variant, u64 revision)
{
    constexpr u64 kArchitecture = 0xf;
    return implementer << 24 | variant << 20 | kArchitecture << 16 | part << 4 | revision;
}

constexpr u64 kArm = 0x41, kQualcomm = 0x51, kAmpere = 0xc0;

TEST(RepeatedTlbi, IsForEveryReleaseOfTheCoresOfCve202510263)
{
    for (const u64 part : {0xd0bu, 0xd0cu, 0xd0eu, 0xd40u, 0xd42u, 0xd49u, 0xd4fu, 0xd82u, 0xd84u, 0xd85u}) {
        EXPECT_TRUE(needs_repeated_tlbi(midr(kArm, part, 0, 0))) << std::hex << part;
        EXPECT_TRUE(needs_repeated_tlbi(midr(kArm, part, 4, 1))) << std::hex << part;
    }
    EXPECT_TRUE(needs_repeated_tlbi(midr(0x4e, 0x010, 0, 0)));
    EXPECT_TRUE(needs_repeated_tlbi(midr(0x6d, 0xd49, 0, 0)));
}

TEST(RepeatedTlbi, EndsWithTheReleaseThatFixedAnOlderErratum)
{
    EXPECT_TRUE(needs_repeated_tlbi(midr(kArm, 0xd46, 1, 1)));
    EXPECT_FALSE(needs_repeated_tlbi(midr(kArm, 0xd46, 1, 2)));
    EXPECT_FALSE(needs_repeated_tlbi(midr(kQualcomm, 0x804, 12, 13)));
    EXPECT_TRUE(needs_repeated_tlbi(midr(kQualcomm, 0x804, 12, 14)));
    EXPECT_TRUE(needs_repeated_tlbi(midr(kQualcomm, 0x804, 15, 14)));
    EXPECT_FALSE(needs_repeated_tlbi(midr(kQualcomm, 0x804, 15, 15)));
    EXPECT_TRUE(needs_repeated_tlbi(midr(kQualcomm, 0x205, 2, 1))); // any Kryo
    EXPECT_FALSE(needs_repeated_tlbi(midr(kQualcomm, 0x800, 0, 1)));
}

TEST(RepeatedTlbi, IsNotForOthers)
{
    EXPECT_FALSE(needs_repeated_tlbi(midr(kArm, 0xd03, 0, 4))); // Cortex-A53
    EXPECT_FALSE(needs_repeated_tlbi(midr(kArm, 0xd08, 0, 3))); // Cortex-A72
    EXPECT_FALSE(needs_repeated_tlbi(midr(kAmpere, 0xac3, 0, 0)));
    EXPECT_FALSE(needs_repeated_tlbi(midr(0x42, 0xd0c, 4, 1))); // part number of a Neoverse-N1, but another
                                                                // implementer
    EXPECT_FALSE(needs_repeated_tlbi(midr(0, 0x051, 0, 0)));    // QEMU max
}

TEST(TornCount, IsForEveryReleaseOfCortexA73)
{
    EXPECT_TRUE(tears_count_at_rollover(midr(kArm, 0xd09, 0, 0)));
    EXPECT_TRUE(tears_count_at_rollover(midr(kArm, 0xd09, 1, 0)));
    EXPECT_FALSE(tears_count_at_rollover(midr(kArm, 0xd08, 0, 2))); // Cortex-A72
    EXPECT_FALSE(tears_count_at_rollover(midr(0x51, 0xd09, 0, 0)));
}

TEST(LiveResizes, NeedAKnownModelOrBbmlLevel3)
{
    EXPECT_FALSE(resizes_live(midr(kArm, 0xd49, 0, 3), 2)); // Neoverse-N2: BBML level 2 may abort
    EXPECT_TRUE(resizes_live(midr(kArm, 0xd49, 0, 3), 3));
    EXPECT_FALSE(resizes_live(midr(kArm, 0xd0c, 4, 1), 0));
    EXPECT_TRUE(resizes_live(midr(kAmpere, 0xac3, 0, 0), 0)); // ID registers do not report the capability
}

TEST(LiveResizes, StartWithTheFixedRelease)
{
    EXPECT_FALSE(resizes_live(midr(kArm, 0xd82, 0, 2), 2));
    EXPECT_TRUE(resizes_live(midr(kArm, 0xd82, 0, 3), 2));
    EXPECT_FALSE(resizes_live(midr(kArm, 0xd84, 0, 1), 2));
    EXPECT_TRUE(resizes_live(midr(kArm, 0xd84, 0, 2), 2));
    EXPECT_FALSE(resizes_live(midr(kArm, 0xd8c, 1, 0), 2));
    EXPECT_TRUE(resizes_live(midr(kArm, 0xd8c, 1, 1), 2));
}

TEST(SharedEntries, AreWrongOnHip09AndCarmel)
{
    EXPECT_TRUE(shares_entries_wrongly(midr(0x48, 0xd02, 0, 0)));
    EXPECT_TRUE(shares_entries_wrongly(midr(0x4e, 0x004, 0, 0)));
    EXPECT_FALSE(shares_entries_wrongly(midr(0x48, 0xd01, 1, 0))); // TSV110
    EXPECT_FALSE(shares_entries_wrongly(midr(0x4e, 0x010, 0, 0))); // Olympus
    EXPECT_FALSE(shares_entries_wrongly(midr(kArm, 0xd0c, 4, 1)));
}

TEST(SharedTlbEntries, AreUsedByThunderX2UnderBothItsNames)
{
    EXPECT_TRUE(may_share_tlb_entries(midr(0x43, 0x0af, 1, 0)));
    EXPECT_TRUE(may_share_tlb_entries(midr(0x42, 0x516, 0, 0)));
    EXPECT_FALSE(may_share_tlb_entries(midr(0x43, 0x0a1, 1, 0))); // ThunderX
    EXPECT_FALSE(may_share_tlb_entries(midr(kArm, 0xd0c, 4, 1)));
}

} // namespace
} // namespace percival::arch

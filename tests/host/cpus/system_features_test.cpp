// SPDX-License-Identifier: BSD-2-Clause
// How the values of CPUs combine, and what a CPU is refused for, before and after the set is final.
#include "kernel/cpus/system_features.hpp"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <string>

namespace percival {
namespace {

using arch::CpuFeature;
using arch::CpuFeatures;

CpuFeatures cpu_with(std::initializer_list<CpuFeature> has, u8 physical_bits = 48)
{
    CpuFeatures features{};
    features.set(CpuFeature::PhysicalBits, physical_bits);
    for (const CpuFeature feature : has)
        features.set(feature, 1);
    return features;
}

std::string names(arch::CpuFeatureSet set)
{
    std::array<char, 200> room{};
    Writer out{room};
    set.describe(out);
    return std::string{out.text()};
}

TEST(SystemFeatures, AreThoseOfTheBootCpuUntilOthersAreAdded)
{
    const SystemFeatures system{cpu_with({CpuFeature::Lse, CpuFeature::ResizesLive})};
    EXPECT_FALSE(system.is_final());
    EXPECT_TRUE(system.has(CpuFeature::Lse));
    EXPECT_TRUE(system.has(CpuFeature::ResizesLive));
    EXPECT_FALSE(system.has(CpuFeature::RangeTlbi));
    EXPECT_EQ(system.value(CpuFeature::PhysicalBits), 48);
}

TEST(SystemFeatures, AreWhatEveryCpuHasAndTheDefectsOfAnyCpu)
{
    SystemFeatures system{cpu_with({CpuFeature::Lse, CpuFeature::ResizesLive}, 48)};
    system.combine(cpu_with({CpuFeature::Lse, CpuFeature::RangeTlbi, CpuFeature::RepeatedTlbi}, 40));
    system.combine(cpu_with({CpuFeature::Lse, CpuFeature::ResizesLive}, 44));
    EXPECT_TRUE(system.has(CpuFeature::Lse));
    EXPECT_FALSE(system.has(CpuFeature::ResizesLive));
    EXPECT_FALSE(system.has(CpuFeature::RangeTlbi)) << "the boot CPU lacks it";
    EXPECT_TRUE(system.has(CpuFeature::RepeatedTlbi));
    EXPECT_FALSE(system.has(CpuFeature::SharedTlb));
    EXPECT_EQ(system.value(CpuFeature::PhysicalBits), 40);
}

TEST(SystemFeatures, UntilTheyAreFinalOnlyWhatIsUsedFromBootOnIsMissed)
{
    SystemFeatures system{cpu_with({CpuFeature::Lse, CpuFeature::ResizesLive, CpuFeature::RangeTlbi,
                                    CpuFeature::PointerAuthentication})};
    const CpuFeatures lacks_most = cpu_with({CpuFeature::RepeatedTlbi, CpuFeature::SharedTlb});
    EXPECT_EQ(names(system.missing_in(lacks_most)), "pauth");
    system.finalise();
    EXPECT_TRUE(system.is_final());
    EXPECT_EQ(names(system.missing_in(lacks_most)), "lse, pauth, tlbirange, bbm, repeattlbi and sharedtlb");
}

TEST(SystemFeatures, WhatIsNotUsedIsNotMissed)
{
    SystemFeatures system{
        cpu_with({CpuFeature::Bti, CpuFeature::CommonNotPrivate, CpuFeature::PerformanceCounters})};
    system.finalise();
    EXPECT_EQ(names(system.missing_in(cpu_with({}))), "");
}

TEST(SystemFeatures, WhatOneCpuOfTheBootLacksALaterOneMayLackToo)
{
    SystemFeatures system{cpu_with({CpuFeature::Lse, CpuFeature::ResizesLive})};
    system.combine(cpu_with({CpuFeature::Lse, CpuFeature::RepeatedTlbi}));
    system.finalise();
    EXPECT_EQ(names(system.missing_in(cpu_with({CpuFeature::Lse, CpuFeature::RepeatedTlbi}))), "");
    EXPECT_EQ(names(system.missing_in(cpu_with({CpuFeature::ResizesLive}))), "lse");
}

TEST(SystemFeatures, ACpuMayHaveMoreThanTheOthers)
{
    SystemFeatures system{cpu_with({})};
    system.finalise();
    const CpuFeatures has_more = cpu_with({CpuFeature::Lse, CpuFeature::PointerAuthentication}, 52);
    EXPECT_EQ(names(system.missing_in(has_more)), "");
}

TEST(SystemFeatures, AddressesNeedToReachTheMemoryAndNotAllThatTheBootCpuReaches)
{
    SystemFeatures system{cpu_with({}, 48)};
    EXPECT_EQ(names(system.missing_in(cpu_with({}, 40))), "parange");
    system.require(CpuFeature::PhysicalBits, 40);
    EXPECT_EQ(names(system.missing_in(cpu_with({}, 40))), "");
    EXPECT_EQ(names(system.missing_in(cpu_with({}, 36))), "parange");
}

} // namespace
} // namespace percival

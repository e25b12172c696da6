// SPDX-License-Identifier: BSD-2-Clause
// The table of features: how each is read from the ID registers, and that its entries make sense.
#include "arch/cpu/cpu_features.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival::arch {
namespace {

// Values of ID registers: Cortex-A53 has none of the features, Neoverse-V3 has all of them.
constexpr IdRegisters kCortexA53{.midr = 0x410f'd034, .isar0 = 0x11120, .mmfr0 = 0x1122, .dfr0 = 0x1030'5106};

std::string described(const auto& value)
{
    std::array<char, 200> room{};
    Writer out{room};
    value.describe(out);
    return std::string{out.text()};
}

std::string features_in(const IdRegisters& registers)
{
    std::array<char, 200> room{};
    Writer out{room};
    describe_features(out, features_of(registers));
    return std::string{out.text()};
}

TEST(CpuFeatures, OfACortexA53AreItsCountersAndItsAddresses)
{
    EXPECT_EQ(features_in(kCortexA53), "pmuv3 parange=40");
}

TEST(CpuFeatures, AreReadFromTheirFieldsOnly)
{
    struct Case {
        IdRegisters registers;
        CpuFeature feature;
        u8 value;
    };
    const auto with = [](u64 IdRegisters::* part, u64 value) {
        IdRegisters registers{};
        registers.*part = value;
        return registers;
    };
    const std::array cases{
        Case{with(&IdRegisters::isar0, u64{1} << 20), CpuFeature::Lse, 0},
        Case{with(&IdRegisters::isar0, u64{2} << 20), CpuFeature::Lse, 1},
        Case{with(&IdRegisters::isar0, u64{3} << 20), CpuFeature::Lse, 1},
        Case{with(&IdRegisters::mmfr2, 1), CpuFeature::CommonNotPrivate, 1},
        Case{with(&IdRegisters::pfr1, 1), CpuFeature::Bti, 1},
        Case{with(&IdRegisters::isar1, u64{1} << 4), CpuFeature::PointerAuthentication, 1},
        Case{with(&IdRegisters::isar1, u64{1} << 8), CpuFeature::PointerAuthentication, 1},
        Case{with(&IdRegisters::isar2, u64{1} << 12), CpuFeature::PointerAuthentication, 1},
        Case{with(&IdRegisters::isar0, u64{1} << 56), CpuFeature::RangeTlbi, 0},
        Case{with(&IdRegisters::isar0, u64{2} << 56), CpuFeature::RangeTlbi, 1},
        Case{with(&IdRegisters::dfr0, u64{6} << 8), CpuFeature::PerformanceCounters, 1},
        Case{with(&IdRegisters::dfr0, u64{0xf} << 8), CpuFeature::PerformanceCounters, 0},
        Case{with(&IdRegisters::mmfr2, u64{2} << 52), CpuFeature::ResizesLive, 0},
        Case{with(&IdRegisters::mmfr2, u64{3} << 52), CpuFeature::ResizesLive, 1},
        Case{with(&IdRegisters::midr, 0xc00f'ac30), CpuFeature::ResizesLive, 1}, // AmpereOne
        Case{with(&IdRegisters::midr, 0x000f'0510), CpuFeature::ResizesLive, 1}, // QEMU max
        Case{with(&IdRegisters::mmfr0, 0), CpuFeature::PhysicalBits, 32},
        Case{with(&IdRegisters::mmfr0, 5), CpuFeature::PhysicalBits, 48},
        Case{with(&IdRegisters::mmfr0, 6), CpuFeature::PhysicalBits, 52},
        Case{with(&IdRegisters::midr, 0x410f'd0c1), CpuFeature::RepeatedTlbi, 1}, // Neoverse-N1
        Case{with(&IdRegisters::midr, 0x431f'0af1), CpuFeature::SharedTlb, 1},    // ThunderX2
    };
    for (const Case& one : cases) {
        const CpuFeatures features = features_of(one.registers);
        EXPECT_EQ(features.value(one.feature), one.value) << facts_of(one.feature).name;
        const CpuFeatures none = features_of({});
        for_each_cpu_feature([&](CpuFeature other) {
            if (other != one.feature)
                EXPECT_EQ(features.value(other), none.value(other)) << facts_of(other).name;
        });
    }
}

TEST(CpuFeatures, HaveNamesThatLeadBackToThem)
{
    for_each_cpu_feature([](CpuFeature feature) {
        EXPECT_EQ(cpu_feature_named(facts_of(feature).name), feature) << facts_of(feature).name;
    });
    EXPECT_EQ(cpu_feature_named("bbm"), CpuFeature::ResizesLive);
    EXPECT_FALSE(cpu_feature_named("BBM"));
    EXPECT_FALSE(cpu_feature_named(""));
}

TEST(CpuFeatures, WhoseInstructionsWouldBeUndefinedCannotBeForced)
{
    std::string forced;
    for_each_cpu_feature([&](CpuFeature feature) {
        if (facts_of(feature).why_not_forced.empty())
            forced += std::string{facts_of(feature).name} + " ";
    });
    EXPECT_EQ(forced, "bbm repeattlbi sharedtlb ");
}

TEST(CpuFeatureSets, AreDescribedAsEnumerations)
{
    CpuFeatureSet set;
    EXPECT_TRUE(set.is_empty());
    EXPECT_EQ(described(set), "");
    set.add(CpuFeature::ResizesLive);
    EXPECT_EQ(described(set), "bbm");
    set.add(CpuFeature::Lse);
    EXPECT_EQ(described(set), "lse and bbm");
    set.add(CpuFeature::SharedTlb);
    EXPECT_EQ(described(set), "lse, bbm and sharedtlb");
    EXPECT_FALSE(set.contains(CpuFeature::Bti));
    EXPECT_TRUE(set.contains(CpuFeature::Lse));
}

} // namespace
} // namespace percival::arch

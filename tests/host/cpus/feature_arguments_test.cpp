// SPDX-License-Identifier: BSD-2-Clause
// cpufeature.mask, cpufeature.force and cpufeature.midr: what they change, and every message about a wrong
// one.
#include "kernel/cpus/feature_arguments.hpp"

#include "support/joined.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival {
namespace {

using arch::CpuFeature;
using arch::CpuFeatures;
using testing::joined;

constexpr u32 kCpus = 4;

// Returns the features of a CPU that has them all, no defect, and the greatest addresses.
CpuFeatures everything()
{
    CpuFeatures features{};
    arch::for_each_cpu_feature(
        [&](CpuFeature feature) { features.set(feature, arch::facts_of(feature).is_defect() ? 0 : 1); });
    features.set(CpuFeature::PhysicalBits, 52);
    return features;
}

// Returns the features of `cpu` that differ from `before` under the arguments.
std::string changes(const FeatureArguments& arguments, u32 cpu, const CpuFeatures& before)
{
    const CpuFeatures now = arguments.changed(CpuId{cpu}, before);
    std::string text;
    arch::for_each_cpu_feature([&](CpuFeature feature) {
        if (now.value(feature) != before.value(feature))
            text +=
                std::string{arch::facts_of(feature).name} + "=" + std::to_string(now.value(feature)) + " ";
    });
    return text;
}

std::string message(const FeatureArguments::Result& read)
{
    if (read)
        return "";
    std::array<char, 240> room{};
    Writer out{room};
    read.error().describe(out);
    EXPECT_FALSE(out.truncated());
    return std::string{out.text()};
}

TEST(FeatureArguments, OfNoneChangeNothing)
{
    FeatureArguments arguments;
    EXPECT_EQ(message(arguments.read_mask(BootArguments{"ptdump"}, kCpus)), "");
    EXPECT_EQ(message(arguments.read_force(BootArguments{"ptdump"}, kCpus)), "");
    for (u32 cpu = 0; cpu < kCpus; ++cpu)
        EXPECT_EQ(changes(arguments, cpu, everything()), "");
}

TEST(FeatureArguments, MaskTheNamedFeaturesOfTheNamedCpus)
{
    FeatureArguments arguments;
    EXPECT_EQ(message(arguments.read_mask(
                  BootArguments{"cpufeature.mask=cpu2:bbm,lse,cpu3:pauth,cpu0:bbm,cpu2:parange"}, kCpus)),
              "");
    EXPECT_EQ(changes(arguments, 0, everything()), "bbm=0 ");
    EXPECT_EQ(changes(arguments, 1, everything()), "");
    EXPECT_EQ(changes(arguments, 2, everything()), "lse=0 bbm=0 parange=32 ");
    EXPECT_EQ(changes(arguments, 3, everything()), "pauth=0 ");
}

TEST(FeatureArguments, ForceTheAbilityToSplitLiveAndDefects)
{
    FeatureArguments arguments;
    EXPECT_EQ(message(arguments.read_force(
                  BootArguments{"cpufeature.force=cpu0:bbm,cpu1:repeattlbi,sharedtlb"}, kCpus)),
              "");
    EXPECT_EQ(changes(arguments, 0, {}), "bbm=1 ");
    EXPECT_EQ(changes(arguments, 1, {}), "repeattlbi=1 sharedtlb=1 ");
}

TEST(FeatureArguments, WhatIsMaskedAndForcedIsForced)
{
    FeatureArguments arguments;
    const BootArguments both{"cpufeature.force=cpu1:bbm cpufeature.mask=cpu1:bbm"};
    EXPECT_EQ(message(arguments.read_mask(both, kCpus)), "");
    EXPECT_EQ(message(arguments.read_force(both, kCpus)), "");
    EXPECT_TRUE(arguments.changed(CpuId{1}, {}).has(CpuFeature::ResizesLive));
}

std::string wrong_mask(const std::string& value)
{
    FeatureArguments arguments;
    const std::string text = "cpufeature.mask=" + value;
    const auto read = arguments.read_mask(BootArguments{text}, kCpus);
    for (u32 cpu = 0; cpu < kCpus; ++cpu)
        EXPECT_EQ(changes(arguments, cpu, everything()), "") << "a wrong argument changes something";
    return message(read);
}

std::string wrong_force(const std::string& value)
{
    FeatureArguments arguments;
    const std::string text = "cpufeature.force=" + value;
    const auto read = arguments.read_force(BootArguments{text}, kCpus);
    for (u32 cpu = 0; cpu < kCpus; ++cpu)
        EXPECT_EQ(changes(arguments, cpu, {}), "") << "a wrong argument changes something";
    return message(read);
}

TEST(FeatureArguments, OfACpuThatDoesNotExistAreRefused)
{
    for (const std::string name :
         {"cpu4", "cpu", "cpu-1", "cpu0x1", "core1", "1", "", "cpu99999999999999999999"})
        EXPECT_EQ(wrong_mask(joined({"cpu1:bbm,", name, ":lse"})),
                  joined({"cpufeature.mask=cpu1:bbm,", name, ":lse: there is no \"", name,
                          "\", CPUs are cpu0 to cpu3; it is ignored"}));
}

TEST(FeatureArguments, OfNoCpuAreRefused)
{
    EXPECT_EQ(wrong_mask("bbm"), "cpufeature.mask=bbm: no CPU is named before \"bbm\"; it is ignored");
    EXPECT_EQ(wrong_force(""), "cpufeature.force=: no CPU is named before \"\"; it is ignored");
}

TEST(FeatureArguments, OfAnUnknownFeatureAreRefusedAndTheKnownOnesNamed)
{
    EXPECT_EQ(wrong_mask("cpu1:bbm,sve"),
              "cpufeature.mask=cpu1:bbm,sve: there is no feature \"sve\", features are lse, cnp, bti, pauth, "
              "tlbirange, pmuv3, bbm, parange, el2, repeattlbi and sharedtlb; it is ignored");
    EXPECT_EQ(wrong_force("cpu1:").find("cpufeature.force=cpu1:: there is no feature \"\", "), 0u);
}

TEST(FeatureArguments, CannotMaskADefect)
{
    EXPECT_EQ(wrong_mask("cpu1:repeattlbi"),
              "cpufeature.mask=cpu1:repeattlbi: repeattlbi is a defect and cannot be masked; it is ignored");
}

TEST(FeatureArguments, CannotMaskWhatTheBootCpuUsesBeforeItReadsThem)
{
    for (const std::string name : {"pauth", "parange"})
        EXPECT_EQ(wrong_mask("cpu0:" + name),
                  joined({"cpufeature.mask=cpu0:", name, ": ", name,
                          " cannot be masked on cpu0, which uses it before it reads ",
                          "boot arguments; it is ignored"}));
}

TEST(FeatureArguments, CannotForceWhatTheHardwareCannotDo)
{
    for (const std::string name : {"lse", "pauth", "tlbirange", "pmuv3"})
        EXPECT_EQ(wrong_force("cpu1:" + name),
                  joined({"cpufeature.force=cpu1:", name, ": ", name,
                          " cannot be forced, its instructions would be undefined; ", "it is ignored"}));
    EXPECT_EQ(wrong_force("cpu1:parange"),
              "cpufeature.force=cpu1:parange: parange cannot be forced, the CPU would not reach all memory; "
              "it is ignored");
    EXPECT_EQ(wrong_force("cpu1:bti"), "cpufeature.force=cpu1:bti: bti cannot be forced, the kernel does not "
                                       "depend on it; it is ignored");
}

TEST(FeatureArguments, MakeTheNamedCpusSeemOtherKindsOfCores)
{
    FeatureArguments arguments;
    EXPECT_EQ(message(arguments.read_midr(BootArguments{"cpufeature.midr=cpu2:0x410fd034,cpu3:1"}, kCpus)),
              "");
    CpuFeatures before = everything();
    before.midr = 0x51;
    const std::array<u64, kCpus> midrs{0x51, 0x51, 0x410f'd034, 1};
    for (u32 cpu = 0; cpu < kCpus; ++cpu) {
        EXPECT_EQ(arguments.changed(CpuId{cpu}, before).midr, midrs[cpu]);
        EXPECT_EQ(changes(arguments, cpu, before), "");
    }
}

TEST(FeatureArguments, OfAKindThatIsNoneAreRefused)
{
    const auto wrong_midr = [](const std::string& value) {
        FeatureArguments arguments;
        const std::string text = "cpufeature.midr=" + value;
        const auto read = arguments.read_midr(BootArguments{text}, kCpus);
        EXPECT_EQ(arguments.changed(CpuId{1}, {.midr = 7}).midr, 7u) << "a wrong argument changes something";
        return message(read);
    };
    for (const std::string number : {"", "0", "a53", "0x100000000", "0x410fd034x"})
        EXPECT_EQ(wrong_midr("cpu1:0x410fd034,cpu2:" + number),
                  joined({"cpufeature.midr=cpu1:0x410fd034,cpu2:", number, ": \"", number,
                          "\" is no MIDR, which is a number of 32 bits and not 0; it is ignored"}));
    EXPECT_EQ(wrong_midr("cpu4:1"),
              "cpufeature.midr=cpu4:1: there is no \"cpu4\", CPUs are cpu0 to cpu3; it is ignored");
    EXPECT_EQ(wrong_midr("0x410fd034"),
              "cpufeature.midr=0x410fd034: no CPU is named before \"0x410fd034\"; it is ignored");
}

} // namespace
} // namespace percival

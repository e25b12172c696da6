// SPDX-License-Identifier: BSD-2-Clause
// kernel/cpus/features.cpp on the machine: CPUs that differ, at boot and later.
#include "kernel/cpus/features.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/work_queue.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/hotplug.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "support/joined.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace percival::testing {
namespace {

using arch::CpuFeature;

constexpr arch::CpuFeatures kFull =
    with_features({CpuFeature::Lse, CpuFeature::ResizesLive, CpuFeature::PointerAuthentication});

// The CPU is as kFull but for one feature.
void take_from(u32 cpu, CpuFeature feature)
{
    board.cpus[cpu].features = kFull;
    board.cpus[cpu].features.set(feature, 0);
}

// Boots CPUs as kFull with these arguments, until the features are final. Returns what `test` then finds
// wrong. `before` changes the board before the other CPUs start.
template <class Before, class Test>
std::string boots(u32 cpus, std::string_view arguments, Before before, Test test)
{
    return run_boots(
        cpus, 10,
        [&] {
            machine_to_describe().boot_arguments = arguments;
            start_features(this_machine());
            for (u32 cpu = 1; cpu < cpus; ++cpu)
                board.cpus[cpu].features = kFull;
            before();
            bring_up_secondaries(this_machine());
            start_workers();
            start_everywhere_threads();
            finalise_features();
            test();
        },
        kFull);
}

std::string refused(const std::string& cpu, const std::string& why)
{
    return cpu + ": refused, because " + why + ", left out";
}

void expect_off(u32 cpu)
{
    sleep_for(10);
    expect(machine().is_off(cpu) && !is_online(CpuId{cpu}), "it is off");
    expect_equal(board.cpus[cpu].times_online, 0, "times online");
}

TEST(MachineFeatures, AreThoseOfTheBootCpuUntilTheyAreFinal)
{
    EXPECT_EQ(run_boots(
                  3, 5,
                  [] {
                      for (u32 cpu = 1; cpu < 3; ++cpu)
                          board.cpus[cpu].features = kFull;
                      take_from(2, CpuFeature::ResizesLive);
                      expect(!cpu_without(CpuFeature::ResizesLive), "the boot CPU has it");
                      bring_up_secondaries(this_machine());
                      expect(system_features().has(CpuFeature::ResizesLive), "until they are final");
                      expect(cpu_without(CpuFeature::ResizesLive) == CpuId{2}, "CPU 2 lacks it");
                      expect(!cpu_without(CpuFeature::Lse), "all have it");
                      finalise_features();
                      expect(!system_features().has(CpuFeature::ResizesLive), "not all have it");
                      expect(system_features().has(CpuFeature::Lse), "all have it");
                  },
                  kFull),
              "");
}

TEST(MachineFeatures, ACpuThatLacksWhatIsUsedFromBootOnIsLeftOutByNameAndOthersGoOn)
{
    EXPECT_EQ(boots(
                  4, "", [] { take_from(2, CpuFeature::PointerAuthentication); },
                  [] {
                      expect_console({refused("cpu2", "it lacks pauth")});
                      expect_off(2);
                      expect_equal(online_cpu_count(), 3, "online CPUs");
                      expect(system_features().has(CpuFeature::PointerAuthentication), "it stays in use");
                  }),
              "");
}

TEST(MachineFeatures, ArgumentsChangeWhatACpuSeemsToHave)
{
    EXPECT_EQ(boots(
                  3, "cpufeature.mask=cpu2:bbm", [] {},
                  [] {
                      expect(!cpu_features(CpuId{2}).has(CpuFeature::ResizesLive), "masked");
                      expect(cpu_features(CpuId{1}).has(CpuFeature::ResizesLive), "not masked");
                      expect(!system_features().has(CpuFeature::ResizesLive), "CPU 2 lacks it");
                  }),
              "");
    EXPECT_EQ(boots(
                  2, "cpufeature.force=cpu1:bbm", [] { take_from(1, CpuFeature::ResizesLive); },
                  [] { expect(system_features().has(CpuFeature::ResizesLive), "forced"); }),
              "");
    EXPECT_EQ(boots(
                  2, "cpufeature.mask=cpu0:bbm", [] {},
                  [] {
                      expect(!system_features().has(CpuFeature::ResizesLive), "masked");
                      expect(!cpu_without(CpuFeature::ResizesLive), "the boot CPU lacks it, too");
                  }),
              "");
}

TEST(MachineFeatures, AWrongArgumentIsReported)
{
    EXPECT_EQ(boots(
                  2, "cpufeature.mask=cpu7:bbm cpufeature.force=cpu1:lse", [] {},
                  [] {
                      expect_console(
                          {"boot argument cpufeature.mask=cpu7:bbm: there is no \"cpu7\", CPUs are "
                           "cpu0 to cpu1; it is ignored",
                           "boot argument cpufeature.force=cpu1:lse: lse cannot be forced, its "
                           "instructions would be undefined; it is ignored"});
                  }),
              "");
}

TEST(MachineFeatures, ALaterCpuThatHasWhatIsInUseComesAndIsUsedAsTheOthersAre)
{
    EXPECT_EQ(boots(
                  3, "cpus.later=cpu2", [] {},
                  [] {
                      expect_equal(board.cpus[2].starts, 0, "starts");
                      expect_equal(online_cpu_count(), 2, "online CPUs");
                      bring_up_later_cpus();
                      expect_console({"cpu2: came later"});
                      expect(is_online(CpuId{2}) && active_cpus().contains(CpuId{2}), "it is online");
                      std::atomic<u32> ran{0};
                      run_everywhere([&](CpuId) { ++ran; });
                      expect_equal(ran, 3, "CPUs that run it");
                      take_offline(2);
                      bring_online(2);
                  }),
              "");
}

TEST(MachineFeatures, ALaterCpuThatLacksWhatIsInUseIsRefusedByNameAndOthersGoOn)
{
    EXPECT_EQ(boots(
                  3, "cpus.later=cpu1,cpu2 cpufeature.mask=cpu1:bbm,lse", [] {},
                  [] {
                      bring_up_later_cpus();
                      expect_console({refused("cpu1", "it lacks lse and bbm"), "cpu2: came later"});
                      expect_off(1);
                      expect_equal(board.cpus[1].starts, 1, "starts");
                      expect_equal(online_cpu_count(), 2, "online CPUs");
                      expect(system_features().has(CpuFeature::ResizesLive), "it stays in use");
                  }),
              "");
}

TEST(MachineFeatures, ALaterCpuWithADefectThatTheOthersLackIsRefused)
{
    EXPECT_EQ(
        boots(
            3,
            "cpus.later=cpu1,cpu2 cpufeature.force=cpu1:repeattlbi,cpu2:sharedtlb cpufeature.mask=cpu2:bbm",
            [] {},
            [] {
                bring_up_later_cpus();
                expect_console({refused("cpu1", "only it has the defect repeattlbi"),
                                refused("cpu2", "it lacks bbm and only it has the defect sharedtlb")});
                expect_off(1);
                expect_off(2);
            }),
        "");
}

TEST(MachineFeatures, ACpuThatComesBackWithLessIsRefusedUntilItHasAllAgain)
{
    EXPECT_EQ(boots(
                  3, "", [] {},
                  [] {
                      take_offline(1);
                      take_from(1, CpuFeature::ResizesLive);
                      const auto came = bring_cpu_online(CpuId{1});
                      arch::CpuFeatureSet bbm;
                      bbm.add(CpuFeature::ResizesLive);
                      expect(!came && came.error().lacking() == bbm, "it is refused, and why");
                      sleep_for(10);
                      expect(machine().is_off(1) && !is_online(CpuId{1}), "it is off");
                      expect_equal(online_cpu_count(), 2, "online CPUs");
                      board.cpus[1].features = kFull;
                      bring_online(1);
                      expect(lacking_features(CpuId{1}).is_empty(), "it lacks nothing");
                  }),
              "");
}

TEST(MachineFeatures, ACpuThatTheFirmwareRefusedAtBootMayComeLater)
{
    EXPECT_EQ(boots(
                  3, "", [] { board.cpus[2].firmware_error = "it refuses"; },
                  [] {
                      expect_console({"cpu2: it refuses, left out"});
                      board.cpus[2].firmware_error = {};
                      bring_online(2);
                      expect_equal(online_cpu_count(), 3, "online CPUs");
                  }),
              "");
}

TEST(MachineFeatures, ANewCpuStaysOutIfSomethingWasDecidedByMeasuringTheOthers)
{
    EXPECT_EQ(boots(
                  3, "cpus.later=cpu2", [] {},
                  [] {
                      keep_out_new_cpus();
                      bring_up_later_cpus();
                      expect_console({"cpu2: the CPU is not off, or must stay out, left out"});
                      expect_equal(board.cpus[2].starts, 0, "starts");
                      take_offline(1);
                      bring_online(1);
                  }),
              "");
}

TEST(MachineFeatures, AWrongNameOfALaterCpuIsReportedAndNoneIsHeldBack)
{
    for (const std::string name : {"cpu0", "cpu3", "cpu", ""}) {
        const std::string arguments = "cpus.later=cpu1," + name;
        EXPECT_EQ(boots(
                      3, arguments, [] {},
                      [&] {
                          expect_console({joined({"boot argument ", arguments, ": there is no \"", name,
                                                  "\" that may come later; it is ignored"})});
                          expect_equal(online_cpu_count(), 3, "online CPUs");
                      }),
                  "");
    }
}

} // namespace
} // namespace percival::testing

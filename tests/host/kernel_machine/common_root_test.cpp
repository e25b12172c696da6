// SPDX-License-Identifier: BSD-2-Clause
// roots=common on the machine: which arguments lead to it, how the mode is chosen then, and which CPUs share
// their TLB entries.
#include "kernel/hotplug/common_root.hpp"

#include "kernel/cpus/features.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/percpu/window_choice.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/work_queue.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/hotplug.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "kernel_machine/support/percpu_text.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/roots/roots.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival::testing {
namespace {

using arch::CpuFeature;
using arch::PercpuMode;
using percpu::Window;

constexpr arch::CpuFeatures kWithCnp = with_features({CpuFeature::CommonNotPrivate});
constexpr arch::CpuFeatures kWithoutCnp = with_features({});

std::string chooses_window(std::string_view arguments, Window wanted, const std::vector<std::string>& lines)
{
    return run_boots(1, 1, [&] {
        expect(choose_percpu_window(BootArguments{arguments}) == wanted, "the window");
        expect_console(lines);
    });
}

TEST(MachineCommonRoot, TheRootIsCommonInEachModeThatNeedsNoLocalAddress)
{
    for (const std::string mode : {"restart", "fixup", "guarded", "auto"})
        EXPECT_EQ(chooses_window("roots=common percpu=" + mode, Window::None, {}), "");
}

TEST(MachineCommonRoot, ItIsRefusedWithLocalModeWhetherGivenOrByDefault)
{
    const std::string refusal = "boot argument roots=common: cannot go with percpu=local, using private";
    for (const std::string arguments :
         {"roots=common", "roots=common percpu=local", "roots=common percpu=locl"})
        EXPECT_EQ(chooses_window(arguments, Window::Linked, {refusal}), "");
    EXPECT_EQ(chooses_window("roots=common percpu.window=mapped", Window::Mapped, {refusal}), "");
}

TEST(MachineCommonRoot, RootsArePrivateUnlessCommonIsAskedFor)
{
    EXPECT_EQ(chooses_window("percpu=restart", Window::Linked, {}), "");
    EXPECT_EQ(chooses_window("percpu=restart roots=private percpu.window=mapped", Window::Mapped, {}), "");
    EXPECT_EQ(chooses_window("percpu=restart roots=comon", Window::Linked,
                             {"boot argument roots=comon: is neither private nor common, using private"}),
              "");
}

TEST(MachineCommonRoot, AKindOfWindowIsReportedAsWithoutEffect)
{
    EXPECT_EQ(chooses_window("percpu=restart roots=common percpu.window=mapped", Window::None,
                             {"boot argument percpu.window: there are no windows with roots=common"}),
              "");
}

// Boots until the mode is chosen, with CPUs that have FEAT_TTCNP unless `before` takes it from them.
template <class Before, class Test>
std::string boots(std::string_view arguments, Before before, Test test)
{
    return run_boots(
        3, 5,
        [&] {
            machine_to_describe().boot_arguments = arguments;
            start_features(this_machine());
            percpu::window = choose_percpu_window(BootArguments{arguments});
            prepare_percpu_mode(BootArguments{arguments});
            expect(!percpu::roots_are_common() || arch::percpu_form().mode != PercpuMode::Local,
                   "local mode is left");
            for (u32 cpu = 1; cpu < 3; ++cpu)
                board.cpus[cpu].features = kWithCnp;
            before();
            bring_up_secondaries(this_machine());
            finalise_features();
            start_workers();
            start_everywhere_threads();
            share_tlb_entries();
            choose_percpu_mode(BootArguments{arguments});
            test();
        },
        kWithCnp);
}

bool shares(u32 cpu)
{
    return (root_register_of_board(cpu) & arch::RootRegister::Cnp::kMask) != 0;
}

void expect_sharing(bool wanted)
{
    for (u32 cpu = 0; cpu < 3; ++cpu)
        expect_equal(shares(cpu), wanted, "CnP");
}

void nothing() {}

TEST(MachineCommonRoot, AllCpusShareTlbEntriesIfAllHaveTheFeature)
{
    EXPECT_EQ(boots("roots=common percpu=restart", nothing,
                    [] {
                        expect_sharing(true);
                        for (u32 cpu = 0; cpu < 3; ++cpu)
                            expect_equal(root_register_of_board(cpu) & ~arch::RootRegister::Cnp::kMask,
                                         mm::root_register(mm::cpu_root(CpuId{cpu})).raw, "the root");
                        expect_console({"percpu: restart (boot argument)"});
                    }),
              "");
}

TEST(MachineCommonRoot, NoCpuSharesTlbEntriesIfOneLacksTheFeature)
{
    for (const u32 lacking : {1U, 2U}) {
        EXPECT_EQ(boots(
                      "roots=common percpu=guarded",
                      [lacking] { board.cpus[lacking].features = kWithoutCnp; },
                      [] {
                          expect_sharing(false);
                          expect_console({"percpu: guarded (boot argument)"});
                      }),
                  "");
    }
    EXPECT_EQ(boots("roots=common percpu=guarded cpufeature.mask=cpu0:cnp", nothing,
                    [] {
                        expect_sharing(false);
                        expect_console({"percpu: guarded (boot argument)"});
                    }),
              "");
}

TEST(MachineCommonRoot, NoCpuSharesTlbEntriesWithPrivateRoots)
{
    EXPECT_EQ(boots("percpu=restart", nothing,
                    [] {
                        expect_sharing(false);
                        expect_console({"percpu: restart (boot argument)"});
                    }),
              "");
}

TEST(MachineCommonRoot, ACpuThatComesBackSharesAgain)
{
    EXPECT_EQ(boots("roots=common percpu=restart", nothing,
                    [] {
                        take_offline(2);
                        bring_online(2);
                        expect_sharing(true);
                        expect_console({"percpu: restart (boot argument)"});
                    }),
              "");
}

TEST(MachineCommonRoot, ALaterCpuWithoutTheFeatureComesAndDoesNotShare)
{
    EXPECT_EQ(boots(
                  "roots=common percpu=restart cpus.later=cpu2", [] { board.cpus[2].features = kWithoutCnp; },
                  [] {
                      bring_up_later_cpus();
                      expect(shares(0) && shares(1) && !shares(2), "CnP");
                      expect_console({"percpu: restart (boot argument)", "cpu2: came later"});
                  }),
              "");
}

TEST(MachineCommonRoot, TheFeatureCountsAsMissingOnACpuWithAnErratumOfIt)
{
    constexpr u64 kHip09 = 0x480f'd020, kNeoverseN1 = 0x410f'd0c0, kHasFeature = 1;
    const auto has = [](u64 midr, u64 mmfr2) {
        return arch::features_of({.midr = midr, .mmfr2 = mmfr2}).has(CpuFeature::CommonNotPrivate);
    };
    EXPECT_TRUE(has(kNeoverseN1, kHasFeature));
    EXPECT_FALSE(has(kHip09, kHasFeature));
    EXPECT_FALSE(has(kNeoverseN1, 0));
}

TEST(MachineCommonRoot, AutoMeansRestartWithoutAProbe)
{
    EXPECT_EQ(boots("roots=common percpu=auto", nothing,
                    [] {
                        expect(arch::percpu_form().mode == PercpuMode::Restart, "the mode");
                        expect_equal(percpu_text.local_loads, 0, "reads of the probe");
                        expect_console({"percpu: restart (auto: all CPUs are on one root)"});
                    }),
              "");
}

TEST(MachineCommonRoot, TheModesToCompareLeaveLocalModeOut)
{
    EXPECT_EQ(boots("roots=common percpu=restart", nothing,
                    [] {
                        std::vector<PercpuMode> modes;
                        for_each_percpu_mode([&modes](PercpuMode mode) { modes.push_back(mode); });
                        const bool as_wanted =
                            modes == std::vector{PercpuMode::Restart, PercpuMode::Fixup, PercpuMode::Guarded};
                        expect(as_wanted, "the modes");
                        expect_console({"percpu: restart (boot argument)"});
                    }),
              "");
}

TEST(MachineCommonRoot, LocalModeIsNeverInstalled)
{
    const std::string end =
        boots("roots=common percpu=restart", nothing, [] { const InPercpuForm local{PercpuMode::Local}; });
    EXPECT_NE(end.find("kernel/percpu/mode.cpp"), std::string::npos) << end;
}

} // namespace
} // namespace percival::testing

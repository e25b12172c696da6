// SPDX-License-Identifier: BSD-2-Clause
// kernel/percpu/mode.cpp on the machine: which form the this_cpu operations take, and how it changes while
// CPUs use them.
#include "kernel/percpu/mode.hpp"

#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/percpu/counter.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "kernel_machine/support/percpu_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

namespace percival::testing {
namespace {

using arch::AddForm;
using arch::PercpuForm;
using arch::PercpuMode;

constexpr arch::CpuFeatures kThunderX2 = with_features({arch::CpuFeature::SharedTlb}, 0x431f'0af1);
constexpr arch::CpuFeatures kCortexA53 = with_features({}, 0x410f'd034);
constexpr arch::CpuFeatures kWithLse = with_features({arch::CpuFeature::Lse});

// Boots to the point at which the mode is chosen.
void boot(std::string_view arguments)
{
    prepare_percpu_mode(BootArguments{arguments});
    bring_up_secondaries(this_machine());
    finalise_features();
    start_everywhere_threads();
}

void expect_form(const PercpuForm& form)
{
    expect(arch::percpu_form() == form, "the form");
}

// Boots with these arguments, and expects the form before the other CPUs start, the form that is chosen, and
// what is printed.
std::string chooses(std::string_view arguments, PercpuMode first, PercpuForm form,
                    const std::vector<std::string>& lines)
{
    return run_boots(3, 3, [&] {
        prepare_percpu_mode(BootArguments{arguments});
        expect_form({.mode = first, .lse = false});
        const u32 patches = percpu_text.patches;
        expect_equal(patches, first == PercpuMode::Local ? 0 : 1, "patches at first");
        bring_up_secondaries(this_machine());
        finalise_features();
        start_everywhere_threads();
        choose_percpu_mode(BootArguments{arguments});
        expect_form(form);
        const bool changes = form != PercpuForm{.mode = first, .lse = false};
        expect_equal(percpu_text.patches - patches, changes ? 1 : 0, "patches");
        expect_console(lines);
    });
}

TEST(MachinePercpuMode, TheArgumentsChooseTheMode)
{
    EXPECT_EQ(chooses("", PercpuMode::Local, {PercpuMode::Local, false}, {"percpu: local (default)"}), "");
    EXPECT_EQ(chooses("percpu=local", PercpuMode::Local, {PercpuMode::Local, false},
                      {"percpu: local (boot argument)"}),
              "");
    EXPECT_EQ(chooses("percpu=restart", PercpuMode::Restart, {PercpuMode::Restart, false},
                      {"percpu: restart (boot argument)"}),
              "");
    EXPECT_EQ(chooses("percpu=fixup", PercpuMode::Restart, {PercpuMode::Fixup, false},
                      {"percpu: fixup (boot argument)"}),
              "");
    EXPECT_EQ(chooses("percpu=guarded", PercpuMode::Restart, {PercpuMode::Guarded, false},
                      {"percpu: guarded (boot argument)"}),
              "");
    EXPECT_EQ(chooses("percpu=auto", PercpuMode::Restart, {PercpuMode::Local, false},
                      {"percpu: local (auto: the probe found all TLBs private)"}),
              "");
}

TEST(MachinePercpuMode, AWrongArgumentIsReportedOnceAndTheDefaultIsUsed)
{
    EXPECT_EQ(
        chooses("percpu=locl", PercpuMode::Local, {PercpuMode::Local, false},
                {"boot argument percpu=locl: is none of local, restart, fixup, guarded and auto, using local",
                 "percpu: local (default)"}),
        "");
}

TEST(MachinePercpuMode, AutoAvoidsLocalModeIfTheProbeFindsATlbThatIsShared)
{
    EXPECT_EQ(run_boots(3, 3,
                        [] {
                            boot("percpu=auto");
                            set_tlb([](u32) { return 1; });
                            choose_percpu_mode(BootArguments{"percpu=auto"});
                            expect_form({.mode = PercpuMode::Restart, .lse = false});
                            expect_console(
                                {"percpu: restart (auto: the probe found a TLB that is not private)"});
                        }),
              "");
}

TEST(MachinePercpuMode, AutoAvoidsLocalModeOnACpuOfTheListWithoutAProbe)
{
    for (const u32 cpu : {0U, 1U, 2U}) {
        EXPECT_EQ(run_boots(
                      3, 2,
                      [cpu] {
                          if (cpu != 0)
                              board.cpus[cpu].features = kThunderX2;
                          boot("percpu=auto");
                          choose_percpu_mode(BootArguments{"percpu=auto"});
                          expect_form({.mode = PercpuMode::Restart, .lse = false});
                          expect_equal(percpu_text.local_loads, 0, "reads of the probe");
                          expect_console({"percpu: restart (auto: by the list of CPUs whose TLBs may be "
                                          "shared)"});
                      },
                      cpu == 0 ? kThunderX2 : kCortexA53),
                  "");
    }
}

TEST(MachinePercpuMode, LocalModeOnACpuOfTheListIsWarnedOfOnceAndUsed)
{
    EXPECT_EQ(run_boots(4, 3,
                        [] {
                            board.cpus[1].features = kCortexA53;
                            board.cpus[2].features = kThunderX2;
                            board.cpus[3].features = kThunderX2;
                            boot("");
                            choose_percpu_mode(BootArguments{""});
                            expect_form({.mode = PercpuMode::Local, .lse = false});
                            expect_console({"percpu: local (default)",
                                            "percpu: warning: cpu2 (MIDR 0x431f0af1) may share TLB entries "
                                            "with other CPUs, which local mode does not survive; percpu=auto "
                                            "avoids it"});
                        }),
              "");
}

TEST(MachinePercpuMode, OtherModesOnACpuOfTheListAreNotWarnedOf)
{
    EXPECT_EQ(run_boots(2, 2,
                        [] {
                            board.cpus[1].features = kThunderX2;
                            boot("percpu=guarded");
                            choose_percpu_mode(BootArguments{"percpu=guarded"});
                            expect_console({"percpu: guarded (boot argument)"});
                        }),
              "");
}

TEST(MachinePercpuMode, LseIsUsedIfEveryOnlineCpuHasItAndThenTheAddsAreChosen)
{
    EXPECT_EQ(run_boots(
                  3, 3,
                  [] {
                      for (u32 cpu = 1; cpu < 3; ++cpu)
                          board.cpus[cpu].features = kWithLse;
                      for (auto& rounds : percpu_text.counts_of_adds)
                          rounds.fill(100);
                      percpu_text.counts_of_adds[2].fill(10);
                      boot("percpu=restart");
                      choose_percpu_mode(BootArguments{"percpu=restart"});
                      expect_form({PercpuMode::Restart, true, AddForm::LlSc});
                      expect_console({"percpu: restart (boot argument)",
                                      "percpu: 1000 adds take 100 timer ticks by ldadd, 100 by stadd, 10 "
                                      "by llsc",
                                      "percpu: adds without result by llsc (measured: at most half the "
                                      "time of ldadd)"});
                  },
                  kWithLse),
              "");
}

TEST(MachinePercpuMode, OneCpuWithoutLseIsEnoughToDoWithout)
{
    for (const u32 without : {0U, 1U, 2U}) {
        EXPECT_EQ(run_boots(
                      3, 2,
                      [without] {
                          for (u32 cpu = 1; cpu < 3; ++cpu)
                              board.cpus[cpu].features = cpu != without ? kWithLse : with_features();
                          boot("percpu.add=stadd");
                          choose_percpu_mode(BootArguments{"percpu.add=stadd"});
                          expect_form({PercpuMode::Local, false, AddForm::LoadAdd});
                          for (const u32 adds : percpu_text.adds)
                              expect_equal(adds, 0, "adds");
                          expect_console({"percpu: local (default)"});
                      },
                      without != 0 ? kWithLse : with_features()),
                  "");
    }
}

// What all CPUs have in common is decided without it, and it never comes back.
TEST(MachinePercpuMode, ACpuThatDidNotComeUpDoesNotCount)
{
    EXPECT_EQ(run_boots(
                  3, 3,
                  [] {
                      board.cpus[1].features = kWithLse;
                      board.cpus[2].features = kThunderX2;
                      board.cpus[2].firmware_error = "it refuses";
                      boot("percpu=auto");
                      expect_console({"cpu2: it refuses, left out"});
                      choose_percpu_mode(BootArguments{"percpu=auto percpu.add=stadd"});
                      expect_form({PercpuMode::Local, true, AddForm::StoreAdd});
                      expect_console({"percpu: local (auto: the probe found all TLBs private)",
                                      "percpu: adds without result by stadd (boot argument)"});
                  },
                  kWithLse),
              "");
}

// The machine watches each this_cpu operation (support/percpu_text.hpp).
TEST(MachinePercpuMode, CpusUseTheOperationsWhileTheModeChangesAndNothingIsLost)
{
    EXPECT_EQ(run_boots(4, 20,
                        [] {
                            boot("");
                            sleep_for(10);
                            auto counter = PercpuCounter::make(0, 32);
                            expect(counter.has_value(), "there is memory");
                            constexpr u32 kAdds = 150;
                            {
                                std::deque<Running> threads;
                                for (u32 i = 0; i < 4; ++i)
                                    threads.emplace_back(
                                        [&] {
                                            for (u32 add = 0; add < kAdds; ++add) {
                                                counter->add(1);
                                                if (add % 16 == 0)
                                                    compute(5);
                                            }
                                        },
                                        i == 0 ? ThreadOptions{} : on_cpu(i));
                                for (const PercpuMode mode : kPercpuModes) {
                                    const InPercpuForm in_mode{mode};
                                    expect(arch::percpu_form().mode == mode, "the mode");
                                    compute(choose(20));
                                    const InPercpuForm in_form{
                                        PercpuForm{PercpuMode::Guarded, true, AddForm::StoreAdd}};
                                    expect_form({PercpuMode::Guarded, true, AddForm::StoreAdd});
                                }
                            }
                            expect_form(arch::kPercpuFormAsLinked);
                            expect_equal(static_cast<u64>(counter->sum()), 4 * kAdds, "the sum");
                        }),
              "");
}

TEST(MachinePercpuMode, AFormThatIsInUseAlreadyStopsNobody)
{
    EXPECT_EQ(run_boots(3, 5,
                        [] {
                            boot("");
                            const u64 before = now();
                            {
                                const InPercpuForm same{PercpuMode::Local};
                                const InPercpuForm again{arch::kPercpuFormAsLinked};
                            }
                            expect_equal(percpu_text.patches, 0, "patches");
                            expect_equal(now(), before, "at once");
                            {
                                const InPercpuForm other{PercpuMode::Restart};
                                expect_equal(percpu_text.patches, 1, "patches");
                            }
                            expect_equal(percpu_text.patches, 2, "patches, back included");
                        }),
              "");
}

TEST(MachinePercpuMode, TheChangeTakesAsLongAsThePatchHoweverBusyTheOthersAre)
{
    EXPECT_EQ(run_boots(4, 20,
                        [] {
                            boot("");
                            sleep_for(10);
                            percpu_text.counts_to_patch = 700;
                            Running one{[] { compute(5000); }, on_cpu(1)};
                            Running two{[] { compute(5000); }, on_cpu(2)};
                            sleep_for(100);
                            const u64 before = now();
                            const InPercpuForm other{PercpuMode::Guarded};
                            expect_equal(now() - before, 700, "the time of the change");
                        }),
              "");
}

// INV-stop_machine-1: it has been left out, arrives while the text is patched, and executes none of it.
TEST(MachinePercpuMode, ACpuThatArrivesLateWhileTheTextIsPatchedExecutesNoOperation)
{
    EXPECT_EQ(run_boots(2, 6,
                        [] {
                            prepare_percpu_mode(BootArguments{""});
                            constexpr u64 kLimit = 20 * kCountsPerSecond;
                            constexpr u64 kStep = 10'000;
                            machine().set_spin_step(kStep);
                            compute(kStep - now() % kStep);
                            board.cpus[1].counts_to_arrive = kLimit + 50;
                            bring_up_secondaries(this_machine());
                            expect_console({"cpu1: did not come up (MPIDR 0x1), left out"});
                            percpu_text.counts_to_patch = 100;
                            const InPercpuForm other{PercpuMode::Guarded};
                            expect(machine().is_off(1) && has_said_goodbye(CpuId{1}), "it has arrived");
                        }),
              "");
}

TEST(MachinePercpuMode, ACpuThatComesBackUsesTheModeOfNow)
{
    EXPECT_EQ(run_boots(3, 10,
                        [] {
                            boot("");
                            sleep_for(10);
                            expect(take_cpu_offline(CpuId{1}).has_value(), "it goes");
                            const InPercpuForm other{PercpuMode::Guarded};
                            Running back{
                                [] { expect(bring_cpu_online(CpuId{1}).has_value(), "it comes back"); }};
                            const InPercpuForm another{PercpuMode::Restart};
                            back.join();
                            Running there{[] { expect(this_cpu_id() == CpuId{1}, "it runs"); }, on_cpu(1)};
                        }),
              "");
}

TEST(MachinePercpuMode, EachModeHasItsName)
{
    EXPECT_EQ(name_of(PercpuMode::Local), "local");
    EXPECT_EQ(name_of(PercpuMode::Restart), "restart");
    EXPECT_EQ(name_of(PercpuMode::Fixup), "fixup");
    EXPECT_EQ(name_of(PercpuMode::Guarded), "guarded");
}

} // namespace
} // namespace percival::testing

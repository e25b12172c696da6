// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/others_off_roots.hpp on the machine: all CPUs but one leave their roots, while others come and
// go, come late, or do not answer. The idmap is a flag for each CPU here.
#include "kernel/wait/others_off_roots.hpp"

#include "arch/mmu/off_root.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/hotplug.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

namespace percival {
namespace {

struct Hold {
    std::array<std::atomic<bool>, testing::kMaxMachineCpus> is_off_root{};
    std::atomic<bool> is_over{true};
    u64 began{0}; // the times
    u64 ended{0};
    u32 holds{0};
};
Hold hold;

} // namespace

void arch::begin_hold_off_roots()
{
    for (std::atomic<bool>& cpu : hold.is_off_root)
        cpu.store(false);
    hold.is_over.store(false);
    hold.began = testing::now();
    ++hold.holds;
}

void arch::wait_off_root(CpuId self)
{
    testing::expect(arch::interrupts_masked(), "interrupts are masked");
    hold.is_off_root[self.index()].store(true);
    while (!hold.is_over.load())
        arch::relax();
}

bool arch::is_off_root(CpuId cpu)
{
    return hold.is_off_root[cpu.index()].load();
}

void arch::end_hold_off_roots()
{
    hold.ended = testing::now();
    hold.is_over.store(true);
}

namespace testing {
namespace {

using arch::CpuFeature;

constexpr u64 kLimit = u64{kOffRootSeconds} * kCountsPerSecond;
constexpr u64 kStep = 10'000;

// Goes on when a CPU that spins looks at the clock, which is then not often.
void at_a_step()
{
    machine().set_spin_step(kStep);
    compute(kStep - now() % kStep);
}

// Each CPU but the executing one is off its root or off, and none is on its way.
void expect_alone()
{
    for (u32 cpu = 0; cpu < machine().cpus(); ++cpu) {
        const CpuId id{cpu};
        expect(id == this_cpu_id() || arch::is_off_root(id) || (machine().is_off(cpu) && !is_coming(id)),
               "a CPU is on its root");
    }
}

void hold_for(u64 counts)
{
    const OthersOffRoots held;
    expect_alone();
    compute(counts);
    expect_alone();
}

TEST(MachineOffRoots, NoCpuIsOnItsRootWhileOthersComeAndGo)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              const AffinityMayLag allowed;
                              Running mover{[] {
                                                for (u32 round = 0; round < 4; ++round) {
                                                    sleep_for(choose(300));
                                                    take_offline(1);
                                                    board.cpus[1].counts_to_arrive = choose(300);
                                                    sleep_for(choose(300));
                                                    bring_online(1);
                                                }
                                            },
                                            on_cpu(2)};
                              for (u32 round = 0; round < 8; ++round) {
                                  hold_for(choose(200));
                                  sleep_for(choose(200));
                              }
                          }),
              "");
}

// Boots three CPUs, of which CPU 2 is held back and CPU 1 has no features or those of the boot CPU. CPU 2 is
// let in before, during or after a hold: at any moment.
std::string late_cpu(const char* arguments, bool comes, const std::string& line)
{
    const arch::CpuFeatures full = with_features({CpuFeature::ResizesLive});
    return run_boots(
        3, 30,
        [&] {
            machine_to_describe().boot_arguments = arguments;
            start_features(this_machine());
            board.cpus[1].features = board.cpus[2].features = full;
            bring_up_secondaries(this_machine());
            finalise_features();
            board.cpus[2].counts_to_arrive = choose(200);
            {
                Running late{[] {
                                 sleep_for(choose(600));
                                 bring_up_later_cpus();
                             },
                             on_cpu(1)};
                sleep_for(choose(100));
                hold_for(choose(400));
                sleep_for(choose(100));
                hold_for(choose(400));
            }
            expect_console({line});
            expect_equal(is_online(CpuId{2}) ? 1 : 0, comes ? 1 : 0, "the late CPU is online");
            expect_equal(machine().is_off(2) ? 1 : 0, comes ? 0 : 1, "the late CPU is off");
            hold_for(10);
        },
        full);
}

TEST(MachineOffRoots, ALateCpuComesBeforeOrAfterAHoldButNotDuringIt)
{
    EXPECT_EQ(late_cpu("cpus.later=cpu2", true, "cpu2: came later"), "");
}

// The hold is for CPU 1, which lacks the same.
TEST(MachineOffRoots, ALateCpuMayLackWhatTheRepaintHasMadeUnnecessary)
{
    EXPECT_EQ(late_cpu("cpus.later=cpu2 cpufeature.mask=cpu1:bbm,cpu2:bbm", true, "cpu2: came later"), "");
}

TEST(MachineOffRoots, ALateCpuThatLacksWhatIsInUseIsRefusedByNameAndNotWaitedFor)
{
    EXPECT_EQ(late_cpu("cpus.later=cpu2 cpufeature.mask=cpu2:bbm", false,
                       "cpu2: refused, because it lacks bbm, left out"),
              "");
}

// What becomes of a hold if CPU 1 takes no interrupt for so long.
std::string hold_while_one_is_deaf(u32 cpus, u64 counts)
{
    return run_kernels(cpus, 1, [&] {
        hold.holds = 0;
        Running deaf{[&] {
                         const arch::InterruptMask mask;
                         compute(counts);
                     },
                     on_cpu(1)};
        at_a_step();
        hold_for(10);
    });
}

TEST(MachineOffRootsLimits, ACpuThatDoesNotAnswerIsNamedByAPanicAtTheLimitAndTheOthersAreLetGo)
{
    const std::string end = hold_while_one_is_deaf(4, 3 * kLimit);
    EXPECT_NE(end.find("panic: cpu1: does not answer: it should leave its root table for a change"), end.npos)
        << end;
    EXPECT_GE(hold.ended - hold.began, kLimit);
    EXPECT_LE(hold.ended - hold.began, kLimit + 2 * kStep);
    EXPECT_TRUE(hold.is_off_root[2] && hold.is_off_root[3]);
    EXPECT_TRUE(hold.is_over);
    EXPECT_EQ(hold.holds, 1u);
}

TEST(MachineOffRootsLimits, ACpuThatAnswersJustInTimeIsWaitedFor)
{
    EXPECT_EQ(hold_while_one_is_deaf(4, kLimit - 2 * kStep), "");
    EXPECT_TRUE(hold.is_off_root[1]);
}

TEST(MachineOffRootsLimits, ManyCpusHaveMoreTime)
{
    EXPECT_NE(hold_while_one_is_deaf(12, 3 * kLimit), "");
    EXPECT_GE(hold.ended - hold.began, kLimit * 12 / 8);
    EXPECT_LE(hold.ended - hold.began, kLimit * 12 / 8 + 2 * kStep);
}

} // namespace
} // namespace testing
} // namespace percival

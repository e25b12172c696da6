// SPDX-License-Identifier: BSD-2-Clause
// Time slices and priorities on the machine. The tests look at CPU 1: the boot thread stays on CPU 0.
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

namespace percival::testing {
namespace {

constexpr u64 kSlice = kSliceTicks * kTick;

// The times at which `cpu` switched to one of its threads from `since` on, and to which.
std::vector<Switch> switches_on(u32 cpu, u64 since)
{
    const Aside aside;
    std::vector<Switch> found;
    for (const Switch& each : switches()) {
        if (each.cpu == cpu && each.time >= since)
            found.push_back(each);
    }
    return found;
}

TEST(MachineSlices, EqualThreadsTakeTurnsOfExactlyOneSlice)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              constexpr u32 kThreads = 3;
                              const u64 begin = now();
                              std::deque<Running> threads;
                              for (u32 i = 0; i < kThreads; ++i)
                                  threads.emplace_back([] { compute(10 * kSlice); }, on_cpu(1));
                              sleep_for(24 * kSlice);
                              const auto turns = switches_on(1, begin);
                              expect_within(turns.size(), 23, 26, "turns");
                              // The first turn begins between two ticks.
                              for (std::size_t i = 2; i + 1 < turns.size(); ++i) {
                                  expect_equal(turns[i + 1].time - turns[i].time, kSlice, "a turn");
                                  expect(i < 4 || turns[i].to == turns[i - kThreads].to,
                                         "the order of the turns");
                              }
                          }),
              "");
}

TEST(MachineSlices, AThreadThatIsAloneIsNotReplaced)
{
    EXPECT_EQ(run_kernels(2, 5,
                          [] {
                              Running alone{[] { compute(20 * kSlice); }, on_cpu(1)};
                              sleep_for(1);
                              const u64 begin = now();
                              sleep_for(19 * kSlice);
                              expect_equal(switches_on(1, begin).size(), 0, "switches");
                          }),
              "");
}

// A thread that comes when the slice of the running one is nearly over waits for the rest of it, and never
// longer than a slice.
TEST(MachineSlices, ANewThreadOfTheSamePriorityWaitsForOneSliceAtMost)
{
    EXPECT_EQ(run_kernels(2, 30,
                          [] {
                              Running busy{[] { compute(20 * kSlice); }, on_cpu(1)};
                              sleep_for(choose(5 * kSlice));
                              u64 ran = 0;
                              const u64 before = now();
                              Running late{[&] { ran = now(); }, on_cpu(1)};
                              late.join();
                              expect_within(ran - before, 0, kSlice, "the wait");
                          }),
              "");
}

TEST(MachineSlices, AThreadOfHigherPriorityRunsAtOnceAndTheOtherThenEndsItsSlice)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              Running first{[] { compute(4 * kSlice); }, on_cpu(1), "first"};
                              Running second{[] { compute(4 * kSlice); }, on_cpu(1), "second"};
                              Running urgent{[] {
                                                 sleep_for(3 * kSlice / 2); // in the middle of a slice
                                                 const u64 woken = now();
                                                 compute(kTick / 2);
                                                 expect_equal(now() - woken, kTick / 2, "it is not replaced");
                                             },
                                             on_cpu(1, Priority::High), "urgent"};
                              urgent.join();
                              const auto all = switches_on(1, 0);
                              const auto of_urgent = std::ranges::find_if(all, [&](const Switch& each) {
                                  return each.time > kSlice + 1000 && each.priority == Priority::High;
                              });
                              expect(of_urgent != all.end() && of_urgent != all.begin(), "it ran");
                              sleep_for(5 * kSlice);
                              const auto later = switches_on(1, 0);
                              const auto at = static_cast<std::size_t>(of_urgent - all.begin());
                              expect(later[at + 1].to == later[at - 1].to,
                                     "the one that was interrupted goes on");
                              expect_within(later[at + 2].time - later[at - 1].time, kSlice, kSlice + kTick,
                                            "its turn, with the interruption");
                          }),
              "");
}

TEST(MachineSlices, AThreadThatYieldsGoesBehindAllOthersOfItsPriority)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              std::string order;
                              const auto note = [&](char who) {
                                  const Aside aside;
                                  order += who;
                              };
                              {
                                  Running low{[&] { note('l'); }, on_cpu(1, Priority::Low)};
                                  Running gate{[&] {
                                                   // Holds the CPU until all are queued.
                                                   compute(10);
                                               },
                                               on_cpu(1, Priority::High)};
                                  std::deque<Running> three;
                                  for (const char who : {'a', 'b', 'c'}) {
                                      three.emplace_back(
                                          [&, who] {
                                              for (u32 i = 0; i < 3; ++i) {
                                                  note(who);
                                                  yield();
                                              }
                                          },
                                          on_cpu(1));
                                  }
                              }
                              expect(order == "abcabcabcl" || order == "labcabcabc", order.c_str());
                          }),
              "");
}

TEST(MachineSlices, NobodyIsAheadOfAnotherByMoreThanASlice)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              constexpr u32 kThreads = 4;
                              std::array<u64, kThreads> done{};
                              bool over = false;
                              {
                                  std::deque<Running> threads;
                                  for (u64& own : done) {
                                      threads.emplace_back(
                                          [&over, &own] {
                                              while (!over) {
                                                  compute(kTick / 4);
                                                  own += kTick / 4;
                                              }
                                          },
                                          on_cpu(1));
                                  }
                                  for (u32 i = 0; i < 20; ++i) {
                                      sleep_for(kSlice * 3 / 2);
                                      const auto [least, greatest] = std::ranges::minmax(done);
                                      expect_within(greatest - least, 0, kSlice + kTick / 2, "the lead");
                                  }
                                  over = true;
                              }
                          }),
              "");
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/rcu.cpp on the machine: a grace period ends neither before the readers that it is for, nor
// later.
#include "kernel/sync/rcu.hpp"
#include "kernel/wait/work_queue.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <span>

namespace percival::testing {
namespace {

TEST(MachineRcu, AGracePeriodEndsExactlyWhenTheLastReaderOfBeforeEnds)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              std::array<u64, 4> ends{};
                              std::deque<Running> readers;
                              for (u32 cpu = 1; cpu < 4; ++cpu) {
                                  readers.emplace_back(
                                      [&ends, cpu] {
                                          const u64 counts = choose(3 * kTick);
                                          {
                                              const rcu::ReadGuard reading;
                                              ends[cpu] = now() + counts;
                                              compute(counts);
                                          }
                                          compute(kTick);
                                      },
                                      on_cpu(cpu));
                              }
                              sleep_for(1);
                              const u64 before = now();
                              rcu::synchronize();
                              expect_equal(now(), std::max(before, std::ranges::max(ends)), "the end");
                          }),
              "");
}

TEST(MachineRcu, AGracePeriodDoesNotWaitForReadersThatBeginLater)
{
    EXPECT_EQ(run_kernels(2, 30,
                          [] {
                              const u64 begin = now();
                              Running reader{[] {
                                                 {
                                                     const rcu::ReadGuard reading;
                                                     compute(100);
                                                 }
                                                 const rcu::ReadGuard reading;
                                                 compute(5000);
                                             },
                                             on_cpu(1)};
                              sleep_for(50);
                              rcu::synchronize();
                              expect_equal(now() - begin, 100, "the end");
                          }),
              "");
}

TEST(MachineRcu, IdleCpusAndCpusInNoReaderEndAGracePeriodAtOnce)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              Running busy{[] { compute(10 * kTick); }, on_cpu(1)};
                              sleep_for(kTick / 2);
                              const u64 before = now();
                              for (u32 i = 0; i < 5; ++i)
                                  rcu::synchronize();
                              expect_equal(now(), before, "the time");
                          }),
              "");
}

// Writers replace an object that readers use. An object is given up after a grace period.
TEST(MachineRcu, NoReaderUsesWhatWasReplacedBeforeAGracePeriod)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              std::array<bool, 25> valid{};
                              valid[0] = true;
                              std::atomic<bool*> current{valid.data()};
                              bool over = false;
                              const auto read = [&] {
                                  while (!over) {
                                      {
                                          const rcu::ReadGuard reading;
                                          const bool* const object = rcu::load(current);
                                          expect(*object, "the object is valid");
                                          compute(choose(100));
                                          expect(*object, "the object stays valid");
                                      }
                                      if (choose(3) == 0)
                                          sleep_for(choose(50));
                                  }
                              };
                              Running one{read, on_cpu(1)};
                              Running two{read, on_cpu(2)};
                              Running three{read, on_cpu(3)};
                              for (bool& next : std::span{valid}.subspan(1)) {
                                  next = true;
                                  bool* const old = rcu::replace(current, &next);
                                  const u64 before = now();
                                  rcu::synchronize();
                                  *old = false;
                                  expect_within(now() - before, 0, 100, "the grace period");
                                  compute(choose(100));
                              }
                              over = true;
                          }),
              "");
}

TEST(MachineRcu, SeveralThreadsMayWaitForGracePeriodsAtTheSameTime)
{
    EXPECT_EQ(run_kernels(3, 30,
                          [] {
                              std::deque<Running> threads;
                              for (u32 i = 0; i < 4; ++i) {
                                  threads.emplace_back([] {
                                      for (u32 each = 0; each < 5; ++each) {
                                          rcu::synchronize();
                                          const rcu::ReadGuard reading;
                                          compute(choose(50));
                                      }
                                  });
                              }
                          }),
              "");
}

struct Called : rcu::Callback {
    u32 runs{0};
    u64 earliest{0};
};

TEST(MachineRcu, EachCallbackRunsOnceAfterTheReadersOfBeforeAndNoLater)
{
    EXPECT_EQ(run_kernels(3, 30,
                          [] {
                              start_workers();
                              const u64 begin = now();
                              Running reader{[] {
                                                 const rcu::ReadGuard reading;
                                                 compute(1000);
                                             },
                                             on_cpu(1)};
                              sleep_for(10);
                              std::array<Called, 3> callbacks{};
                              for (Called& each : callbacks) {
                                  each.earliest = begin + 1000;
                                  rcu::call(each, [](rcu::Callback* callback) {
                                      auto& called = *static_cast<Called*>(callback);
                                      ++called.runs;
                                      expect_equal(now(), called.earliest, "the time");
                                  });
                              }
                              rcu::wait_for_callbacks();
                              expect_equal(now() - begin, 1000, "the wait for callbacks");
                              for (const Called& each : callbacks)
                                  expect_equal(each.runs, 1, "runs");
                              sleep_for(kTick);
                              for (const Called& each : callbacks)
                                  expect_equal(each.runs, 1, "runs later");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

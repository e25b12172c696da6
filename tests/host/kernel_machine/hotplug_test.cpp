// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/hotplug.cpp on the machine: what a CPU leaves behind, and how it comes back.
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "kernel/wait/cpus_stay.hpp"
#include "kernel/wait/work_queue.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/hotplug.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>

namespace percival::testing {
namespace {

TEST(MachineHotplug, ACpuThatGoesPassesItsThreadsOnAndTheyLoseNoTime)
{
    EXPECT_EQ(run_kernels(3, 30,
                          [] {
                              const AffinityMayLag allowed;
                              Running computes{[] { compute(5 * kTick); }, on_cpu(2)};
                              Running sleeps{[] {
                                                 const u64 before = now();
                                                 sleep_for(3 * kTick);
                                                 expect_within(now() - before, 3 * kTick, 7 * kTick,
                                                               "the sleep");
                                             },
                                             on_cpu(1)};
                              sleep_for(100);
                              const u64 before = now();
                              take_offline(1);
                              expect_within(now() - before, 0, 2000, "the time to go");
                              take_offline(2); // its thread then shares CPU 0 with this one
                              expect_within(now() - before, 0, 6 * kTick, "the time of both");
                              expect_equal(online_cpu_count(), 1, "online CPUs");
                          }),
              "");
}

TEST(MachineHotplug, TimersOfACpuThatHasGoneRingExactlyAtTheirTimes)
{
    EXPECT_EQ(run_kernels(2, 30,
                          [] {
                              struct Rings {
                                  Timer timer{[](void* self) {
                                                  auto& own = *static_cast<Rings*>(self);
                                                  expect_equal(now(), own.when, "the time");
                                                  expect(this_cpu_id() == kBootCpu, "the CPU");
                                                  ++own.count;
                                              },
                                              this};
                                  u64 when{0};
                                  u32 count{0};
                              };
                              std::array<Rings, 4> timers;
                              Running starter{[&] {
                                                  for (u32 i = 0; i < 4; ++i) {
                                                      timers[i].when = now() + (i + 1) * kTick;
                                                      timers[i].timer.start((i + 1) * kTick *
                                                                            kNanosecondsPerCount);
                                                  }
                                              },
                                              on_cpu(1)};
                              starter.join();
                              take_offline(1);
                              expect(timers[3].timer.cancel(), "a timer that moved is cancelled");
                              sleep_for(5 * kTick);
                              for (u32 i = 0; i < 3; ++i)
                                  expect_equal(timers[i].count, 1, "rings");
                              expect_equal(timers[3].count, 0, "rings of the cancelled one");
                          }),
              "");
}

TEST(MachineHotplug, ACpuPutsItsStocksBackOnceWhenItGoes)
{
    EXPECT_EQ(run_kernels(3, 10,
                          [] {
                              take_offline(1);
                              for (const u32 count : drained[1])
                                  expect_equal(count, 1, "of the CPU that goes");
                              for (const u32 count : drained[2])
                                  expect_equal(count, 0, "of another");
                          }),
              "");
}

TEST(MachineHotplug, WorkQueuedOnACpuThatIsOffRunsElsewhere)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              const AffinityMayLag allowed;
                              start_workers();
                              take_offline(1);
                              static u32 runs;
                              runs = 0;
                              Work work{[](void*) { ++runs; }, nullptr};
                              const u64 before = now();
                              work.queue_on(CpuId{1});
                              work.flush();
                              expect_equal(runs, 1, "runs");
                              expect_equal(now(), before, "at once");
                          }),
              "");
}

TEST(MachineHotplug, ACpuComesBackCleanAndRunsThreadsAtOnce)
{
    EXPECT_EQ(run_kernels(3, 30,
                          [] {
                              for (u32 i = 0; i < 3; ++i) {
                                  take_offline(1);
                                  sleep_for(choose(3 * kCountsPerSecond));
                                  board.cpus[1].counts_to_arrive = choose(2000);
                                  bring_online(1);
                                  expect_equal(online_cpu_count(), 3, "online CPUs");
                                  const u64 before = now();
                                  Running one{[] {
                                                  expect(this_cpu_id() == CpuId{1}, "the CPU");
                                                  sleep_for(100);
                                                  compute(kTick);
                                              },
                                              on_cpu(1)};
                                  one.join();
                                  expect_equal(now() - before, kTick + 100, "it does not wait");
                                  u32 called = 0;
                                  call_on(CpuId{1}, [&] { ++called; });
                                  expect_equal(called, 1, "calls");
                                  const u64 ticks = tick_count(CpuId{1});
                                  sleep_for(2 * kCountsPerSecond);
                                  expect_within(tick_count(CpuId{1}) - ticks, 2, 3, "ticks of the idle CPU");
                              }
                          }),
              "");
}

TEST(MachineHotplug, AThreadReturnsToItsCpuWithinATickOfItsReturn)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              const AffinityMayLag allowed;
                              bool over = false;
                              {
                                  Running pinned{[&] {
                                                     while (!over)
                                                         compute(500);
                                                 },
                                                 on_cpu(1)};
                                  take_offline(1);
                                  compute(100);
                                  expect(cpu_of(pinned.thread()) != CpuId{1}, "it runs elsewhere");
                                  bring_online(1);
                                  sleep_for(kTick);
                                  expect(cpu_of(pinned.thread()) == CpuId{1}, "it is back");
                                  over = true;
                              }
                          }),
              "");
}

TEST(MachineHotplug, NoCpuGoesWhileSomebodyHoldsTheCpus)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              const u64 begin = now();
                              Running holder{[] {
                                                 const CpusStay stay;
                                                 compute(1000);
                                                 expect_equal(online_cpu_count(), 3, "online CPUs");
                                             },
                                             on_cpu(2)};
                              sleep_for(100);
                              take_offline(1);
                              expect_within(now() - begin, 1000, 1000 + kTick, "it goes afterwards");
                          }),
              "");
}

TEST(MachineHotplug, AtRandomNothingIsLostWhileCpusComeAndGo)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              const AffinityMayLag allowed;
                              start_workers();
                              bool over = false;
                              std::atomic<u32> queued{0};
                              static std::atomic<u32> ran;
                              ran = 0;
                              const auto body = [&] {
                                  Work work{[](void*) { ++ran; }, nullptr};
                                  while (!over) {
                                      switch (choose(6)) {
                                      case 0: {
                                          const u64 before = now();
                                          const u64 counts = choose(kTick);
                                          sleep_for(counts);
                                          expect(now() - before >= counts, "no sleep is too short");
                                          break;
                                      }
                                      case 1:
                                          rcu::synchronize();
                                          break;
                                      case 2:
                                          queued += work.queue_on(CpuId{static_cast<u32>(choose(4))}) ? 1 : 0;
                                          work.flush();
                                          break;
                                      case 3: {
                                          std::atomic<u32> calls{0};
                                          call_on_others([&] { ++calls; });
                                          expect_within(calls, 0, 3, "calls");
                                          break;
                                      }
                                      default:
                                          compute(choose(kTick));
                                      }
                                  }
                                  work.flush();
                              };
                              {
                                  std::deque<Running> threads;
                                  for (u32 i = 0; i < 5; ++i)
                                      threads.emplace_back(body, i < 2 ? on_cpu(i + 1) : ThreadOptions{});
                                  for (u32 i = 0; i < 6; ++i) {
                                      const u32 cpu = 1 + static_cast<u32>(choose(3));
                                      if (is_online(CpuId{cpu}))
                                          take_offline(cpu);
                                      else
                                          bring_online(cpu);
                                      sleep_for(choose(2 * kTick));
                                  }
                                  over = true;
                              }
                              expect_equal(ran, queued, "runs of works");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// On which CPU a thread begins, and how busy CPUs give threads to others, on the machine. The boot thread
// stays on CPU 0.
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/percpu/area.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace percival::testing {
namespace {

TEST(MachinePlacement, AThreadThatBecomesReadyRunsOnAnIdleCpuIfThereIsOneForIt)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              const NoCpuIsIdleInVain watch;
                              // Each new thread may run on a busy CPU and on an idle one.
                              Running busy{[] { compute(10 * kTick); }, on_cpu(1)};
                              compute(1);
                              for (u32 i = 0; i < 6; ++i) {
                                  CpuSet cpus;
                                  cpus.add(CpuId{1});
                                  cpus.add(CpuId{2 + static_cast<u32>(choose(2))});
                                  const u64 before = now();
                                  Running one{[] {
                                                  compute(100);
                                                  sleep_for(100);
                                                  compute(100);
                                              },
                                              {.affinity = cpus}};
                                  one.join();
                                  expect_equal(now() - before, 300, "it never waits");
                              }
                          }),
              "");
}

TEST(MachinePlacement, AThreadReturnsToItsLastCpuIfThatIsIdle)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              Running one{[] {
                                  const CpuId first = this_cpu_id();
                                  for (u32 i = 0; i < 10; ++i) {
                                      sleep_for(1 + choose(kTick));
                                      expect(this_cpu_id() == first, "it stays");
                                  }
                              }};
                              one.join();
                          }),
              "");
}

TEST(MachinePlacement, WhenNoCpuIsIdleAThreadJoinsTheShortestQueue)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              std::deque<Running> pinned;
                              for (u32 i = 0; i < 3; ++i)
                                  pinned.emplace_back([] { compute(4 * kTick); }, on_cpu(1));
                              for (u32 i = 0; i < 2; ++i)
                                  pinned.emplace_back([] { compute(4 * kTick); }, on_cpu(2));
                              CpuSet cpus = CpuSet::only(CpuId{1});
                              cpus.add(CpuId{2});
                              compute(10);
                              Running one{[] { expect(this_cpu_id() == CpuId{2}, "the CPU"); },
                                          {.affinity = cpus}};
                              expect(cpu_of(one.thread()) == CpuId{2}, "the queue");
                          }),
              "");
}

u32 load_of(u32 cpu)
{
    const CpuId id{cpu};
    return run_queues.on(id).waiting() + (idle_cpu_set.contains(id) ? 0 : 1);
}

// All threads begin on CPU 1. A push every 5 ticks moves one, and an idle CPU pulls one when it looks.
TEST(MachineBalance, LoadsDifferByOneAtMostAfterOnePushForEachThreadAndThenNobodyMoves)
{
    constexpr u64 kPush = 5 * kTick;
    EXPECT_EQ(run_kernels(4, 10,
                          [] {
                              constexpr u32 kThreads = 7;
                              CpuSet cpus;
                              for (const u32 cpu : {1u, 2u, 3u})
                                  cpus.add(CpuId{cpu});
                              bool over = false;
                              {
                                  std::deque<Running> threads;
                                  for (u32 i = 0; i < kThreads; ++i) {
                                      threads.emplace_back(
                                          [&] {
                                              while (!over)
                                                  compute(kTick);
                                          },
                                          on_cpu(1));
                                  }
                                  Running pinned{[&] {
                                                     while (!over)
                                                         compute(kTick);
                                                 },
                                                 on_cpu(3)};
                                  for (Running& each : threads)
                                      set_affinity(each.thread(), cpus);
                                  sleep_for(4 * kPush);
                                  for (u32 cpu = 1; cpu < 4; ++cpu)
                                      expect_within(load_of(cpu), 2, 3, "the load");
                                  u64 moves = 0;
                                  for (Running& each : threads)
                                      moves += each.thread().migrations;
                                  sleep_for(10 * kPush);
                                  for (Running& each : threads)
                                      moves -= each.thread().migrations;
                                  expect_equal(moves, 0, "moves without need");
                                  over = true;
                              }
                          }),
              "");
}

TEST(MachineBalance, AnIdleCpuPullsAThreadAsSoonAsItHasNothingToDo)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              CpuSet cpus = CpuSet::only(CpuId{1});
                              cpus.add(CpuId{2});
                              Running brief{[] { compute(kTick / 2); }, on_cpu(2)};
                              compute(1);
                              const u64 before = now();
                              Running first{[] { compute(kTick); }, on_cpu(1)};
                              compute(1);
                              Running second{[] { compute(kTick); }, {.affinity = cpus}};
                              second.join();
                              expect_equal(now() - before, kTick / 2 + kTick - 1,
                                           "it waits until CPU 2 is idle");
                          }),
              "");
}

TEST(MachineBalance, NoIdleCpuLooksAgainAtACpuWhoseThreadsAreAllBoundToIt)
{
    const auto wake_cpu_2 = [] {
        Running brief{[] { compute(1); }, on_cpu(2)};
        brief.join();
        compute(100);
    };
    EXPECT_EQ(run_kernels(3, 20,
                          [wake_cpu_2] {
                              std::deque<Running> bound;
                              for (u32 i = 0; i < 2; ++i)
                                  bound.emplace_back([] { compute(3 * kTick); }, on_cpu(1));
                              compute(1);
                              wake_cpu_2();
                              expect(!spare_cpu_set.contains(CpuId{1}), "no thread can leave");

                              CpuSet cpus = CpuSet::only(CpuId{1});
                              cpus.add(CpuId{2});
                              for (Running& each : bound)
                                  set_affinity(each.thread(), cpus);
                              expect(spare_cpu_set.contains(CpuId{1}), "one can");
                              wake_cpu_2();
                              u64 moves = 0;
                              for (Running& each : bound)
                                  moves += each.thread().migrations;
                              expect_equal(moves, 1, "it was pulled");
                          }),
              "");
}

// When CPU 2 looks, all threads that wait for CPU 1 are bound to it. The running one is not, and waits itself
// later. The checks of all queues, after each step at rest, notice if CPU 1 is not in the set then
// (INV-load_balance-1).
TEST(MachineBalance, ARunningThreadThatIsNotBoundKeepsItsCpuInTheSetOfThoseThatCanSpare)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              CpuSet cpus = CpuSet::only(CpuId{1});
                              cpus.add(CpuId{2});
                              Running bound{[] { compute(kTick); }, on_cpu(1)};
                              Running busy{[] { compute(kTick / 4); }, on_cpu(2)};
                              compute(1);
                              Running one{[] { compute(4 * kTick); }, {.affinity = cpus}};
                              Running also_bound{[] { compute(4 * kTick); }, on_cpu(1)};
                              for (u32 i = 0; i < 4; ++i) {
                                  compute(kTick / 2);
                                  Running brief{[] { compute(1); }, on_cpu(2)};
                                  brief.join();
                              }
                          }),
              "");
}

} // namespace
} // namespace percival::testing

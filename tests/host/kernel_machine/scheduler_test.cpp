// SPDX-License-Identifier: BSD-2-Clause
// kernel/sched on the machine: which thread runs where, and for how long.
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/percpu/area.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

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

// Keeps a thread apart from the boot thread, which stays on CPU 0: the tests look at CPU 1.
ThreadOptions on_one(Priority priority = Priority::Normal)
{
    return on_cpu(1, priority);
}

TEST(MachineSlices, EqualThreadsTakeTurnsOfExactlyOneSlice)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              constexpr u32 kThreads = 3;
                              const u64 begin = now();
                              std::deque<Running> threads;
                              for (u32 i = 0; i < kThreads; ++i)
                                  threads.emplace_back([] { compute(10 * kSlice); }, on_one());
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
                              Running alone{[] { compute(20 * kSlice); }, on_one()};
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
                              Running busy{[] { compute(20 * kSlice); }, on_one()};
                              sleep_for(choose(5 * kSlice));
                              u64 ran = 0;
                              const u64 before = now();
                              Running late{[&] { ran = now(); }, on_one()};
                              late.join();
                              expect_within(ran - before, 0, kSlice, "the wait");
                          }),
              "");
}

TEST(MachineSlices, AThreadOfHigherPriorityRunsAtOnceAndTheOtherThenEndsItsSlice)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              Running first{[] { compute(4 * kSlice); }, on_one(), "first"};
                              Running second{[] { compute(4 * kSlice); }, on_one(), "second"};
                              Running urgent{[] {
                                                 sleep_for(3 * kSlice / 2); // in the middle of a slice
                                                 const u64 woken = now();
                                                 compute(kTick / 2);
                                                 expect_equal(now() - woken, kTick / 2, "it is not replaced");
                                             },
                                             on_one(Priority::High), "urgent"};
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
                                  Running low{[&] { note('l'); }, on_one(Priority::Low)};
                                  Running gate{[&] {
                                                   // Holds the CPU until all are queued.
                                                   compute(10);
                                               },
                                               on_one(Priority::High)};
                                  std::deque<Running> three;
                                  for (const char who : {'a', 'b', 'c'}) {
                                      three.emplace_back(
                                          [&, who] {
                                              for (u32 i = 0; i < 3; ++i) {
                                                  note(who);
                                                  yield();
                                              }
                                          },
                                          on_one());
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
                                          on_one());
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
                                          on_one());
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

TEST(MachineAffinity, AThreadWhoseAffinityChangesMovesAtOnce)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              bool over = false;
                              u32 cpu = 1;
                              {
                                  Running one{[&] {
                                                  while (!over)
                                                      compute(7);
                                              },
                                              on_cpu(1)};
                                  for (u32 i = 0; i < 20; ++i) {
                                      cpu = 1 + static_cast<u32>(choose(3));
                                      set_affinity(one.thread(), CpuSet::only(CpuId{cpu}));
                                      compute(1 +
                                              choose(20)); // at rest, it is where it has to be (kernel.cpp)
                                  }
                                  over = true;
                              }
                          }),
              "");
}

TEST(MachineAffinity, AThreadThatMovesItselfIsThereAtTheReturn)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              const auto body = [] {
                                  for (u32 i = 0; i < 20; ++i) {
                                      const CpuId cpu{static_cast<u32>(choose(4))};
                                      if (choose(2) == 0) {
                                          set_affinity(current_thread(), CpuSet::only(cpu));
                                          expect(this_cpu_id() == cpu, "after set_affinity()");
                                          set_affinity(current_thread(), CpuSet::all());
                                      } else {
                                          const bool moved = migrate_to(cpu);
                                          expect(moved, "it may go there");
                                      }
                                      compute(choose(100));
                                  }
                                  set_affinity(current_thread(), CpuSet::only(kBootCpu));
                                  expect(!migrate_to(CpuId{1}), "it may not go there");
                                  expect(this_cpu_id() == kBootCpu, "it has not moved");
                              };
                              Running one{body};
                              Running other{body};
                          }),
              "");
}

TEST(MachineAffinity, AThreadThatStaysOnItsCpuComesBackToItAfterEachWait)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              const auto body = [] {
                                  for (u32 i = 0; i < 5; ++i) {
                                      const StayOnCpu here;
                                      sleep_for(choose(kTick));
                                      expect(this_cpu_id() == here.cpu(), "the CPU");
                                      compute(choose(kTick));
                                      expect(this_cpu_id() == here.cpu(), "the CPU");
                                  }
                              };
                              Running a{body};
                              Running b{body};
                              Running c{body};
                              Running d{body};
                          }),
              "");
}

TEST(MachineScheduler, AThreadWhoseAffinityChangesWhileItIsPlacedGoesWhereItMayRun)
{
    EXPECT_EQ(run_kernels(3, 40,
                          [] {
                              bool over = false;
                              Running thread{[&] {
                                                 while (!over)
                                                     sleep_for(1);
                                             },
                                             on_cpu(1)};
                              for (u32 i = 0; i < 60; ++i) {
                                  set_affinity(thread.thread(),
                                               CpuSet::only(CpuId{1 + static_cast<u32>(choose(2))}));
                                  compute(choose(3));
                              }
                              over = true;
                          }),
              "");
}

// INV-thread-1. Otherwise a waker that holds the lock of the queue that the thread leaves would note its
// wake-up too late: after the thread has looked for it on the new CPU, and has blocked.
TEST(MachineScheduler, AThreadChangesItsCpuUnderTheLockOfTheQueueItBelongsTo)
{
    EXPECT_EQ(run_kernels(3, 10,
                          []() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS {
                              u32 changes = 0;
                              const auto move = [] {
                                  for (u32 i = 0; i < 20; ++i) {
                                      static_cast<void>(migrate_to(CpuId{static_cast<u32>(choose(3))}));
                                      compute(choose(kTick));
                                      sleep_for(choose(kTick));
                                  }
                              };
                              Running thread{move};
                              Running other{move};
                              const Thread& watched = thread.thread();
                              machine().watch_stores(&watched.cpu, [&] {
                                  RunQueue& queue = run_queues.on(cpu_of(watched));
                                  const bool is_free = queue.lock.try_lock();
                                  expect(!is_free, "the queue is locked when the thread leaves it");
                                  ++changes;
                              });
                              thread.join();
                              machine().watch_stores(nullptr, {});
                              expect(changes != 0, "the thread changes its CPU");
                          }),
              "");
}

// Threads that do whatever threads can do. The watch of kernel.cpp sees a thread that is lost, runs twice or
// runs in the wrong place, and the end of the run one that does not go on.
TEST(MachineScheduler, AtRandomNoThreadIsLostNorRunsTwiceNorInTheWrongPlace)
{
    EXPECT_EQ(run_kernels(4, 60,
                          [] {
                              constexpr u32 kThreads = 7;
                              {
                                  std::deque<Running> threads;
                                  std::array<Thread*, kThreads> known{};
                                  u32 ended = 0;
                                  const auto body = [&] {
                                      for (u32 i = 0; i < 25; ++i) {
                                          switch (choose(7)) {
                                          case 0:
                                              sleep_for(choose(kTick));
                                              break;
                                          case 1:
                                              yield();
                                              break;
                                          case 2: {
                                              CpuSet cpus = CpuSet::only(CpuId{static_cast<u32>(choose(4))});
                                              cpus.add(CpuId{static_cast<u32>(choose(4))});
                                              if (Thread* const other = known[choose(kThreads)])
                                                  set_affinity(*other, cpus);
                                              break;
                                          }
                                          case 3:
                                              if (Thread* const other = known[choose(kThreads)])
                                                  wake(*other);
                                              break;
                                          case 4: {
                                              const PreemptGuard pin;
                                              const CpuId here = this_cpu_id();
                                              compute(choose(100));
                                              expect(this_cpu_id() == here,
                                                     "a PreemptGuard keeps a thread where it is");
                                              break;
                                          }
                                          case 5:
                                              static_cast<void>(
                                                  migrate_to(CpuId{static_cast<u32>(choose(4))}));
                                              break;
                                          default: {
                                              const u64 counts = choose(2 * kTick);
                                              compute(counts);
                                              break;
                                          }
                                          }
                                      }
                                      const Aside aside;
                                      ++ended;
                                  };
                                  for (u32 i = 0; i < kThreads; ++i) {
                                      constexpr std::array<Priority, 3> kSome{Priority::Low, Priority::Normal,
                                                                              Priority::High};
                                      threads.emplace_back(body, ThreadOptions{.priority = kSome[i % 3]});
                                      known[i] = &threads.back().thread();
                                  }
                                  while (ended != kThreads)
                                      sleep_for(kTick);
                              }
                          }),
              "");
}

} // namespace
} // namespace percival::testing

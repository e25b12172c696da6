// SPDX-License-Identifier: BSD-2-Clause
// Affinity, and what holds of every thread whatever it does, on the machine.
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/percpu/area.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>

namespace percival::testing {
namespace {

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

// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/work_queue.cpp and run_everywhere.cpp on the machine.
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/work_queue.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>

namespace percival::testing {
namespace {

// A work and the model of it.
struct Watched {
    Work work{&Watched::run, this};
    u64 takes{0};
    u32 queued{0}; // how often queue() has said that it queued the work
    u32 runs{0};
    u32 running{0};
    u64 ended{0};
    std::function<void()> also{};

    void queue(bool on_a_cpu, u32 cpu)
    {
        const bool newly = on_a_cpu ? work.queue_on(CpuId{cpu}) : work.queue();
        const Aside aside;
        queued += newly ? 1 : 0;
    }

    static void run(void* self)
    {
        auto& own = *static_cast<Watched*>(self);
        expect(++own.running == 1, "it does not run twice at a time");
        if (own.also)
            own.also();
        compute(own.takes);
        --own.running;
        ++own.runs;
        own.ended = now();
    }
};

TEST(MachineWork, EachWorkRunsOnceForEachTimeItWasQueued)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              start_workers();
                              std::array<Watched, 4> works;
                              const auto body = [&] {
                                  for (u32 i = 0; i < 20; ++i) {
                                      const auto which = static_cast<u32>(choose(4));
                                      works[which].takes = choose(200);
                                      works[which].queue(which < 2, which + 1);
                                      if (choose(2) == 0)
                                          sleep_for(choose(300));
                                      if (choose(4) == 0)
                                          works[which].work.flush();
                                  }
                              };
                              {
                                  Running one{body};
                                  Running two{body};
                              }
                              for (Watched& each : works) {
                                  each.work.flush();
                                  expect_equal(each.running, 0, "it runs after flush()");
                                  expect_equal(each.runs, each.queued, "runs");
                              }
                              sleep_for(kTick);
                              for (const Watched& each : works)
                                  expect_equal(each.runs, each.queued, "runs later");
                          }),
              "");
}

TEST(MachineWork, AWorkRunsAtOnceAndFlushReturnsWhenItEnds)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              start_workers();
                              Watched one;
                              one.takes = 700;
                              const u64 before = now();
                              one.queue(false, 0);
                              one.work.flush();
                              expect_equal(now() - before, 700, "flush()");
                              one.work.flush();
                              expect_equal(now() - before, 700, "a second flush()");
                          }),
              "");
}

TEST(MachineWork, WorkOfOneCpuRunsThereInTheOrderOfTheQueueing)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              start_workers();
                              std::array<Watched, 5> works;
                              u32 next = 0;
                              const u64 before = now();
                              for (u32 i = 0; i < 5; ++i) {
                                  works[i].takes = 100;
                                  works[i].also = [&next, i] {
                                      expect(this_cpu_id() == CpuId{2}, "the CPU");
                                      expect_equal(next++, i, "the order");
                                  };
                                  works[i].queue(true, 2);
                              }
                              for (Watched& each : works)
                                  each.work.flush();
                              expect_equal(now() - before, 500, "one after the other, without a pause");
                          }),
              "");
}

// They are queued by a thread that no worker can delay.
TEST(MachineWork, UnboundWorksRunAtTheSameTime)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              start_workers();
                              Running driver{[] {
                                                 std::array<Watched, 4> works;
                                                 const u64 before = now();
                                                 for (Watched& each : works) {
                                                     each.takes = 1000;
                                                     each.queue(false, 0);
                                                     sleep_for(1); // the CPU that was chosen is idle no more
                                                 }
                                                 for (Watched& each : works)
                                                     each.work.flush();
                                                 expect_within(now() - before, 1003, 1004, "all of them");
                                             },
                                             on_cpu(0, Priority::High)};
                          }),
              "");
}

TEST(MachineWork, AWorkThatQueuesItselfRunsAgainOnceItHasEnded)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              start_workers();
                              Watched one;
                              one.takes = 100;
                              u32 again = 3;
                              one.also = [&] {
                                  if (again-- != 0)
                                      one.queue(false, 0);
                              };
                              const u64 before = now();
                              one.queue(false, 0);
                              one.work.flush();
                              expect_equal(one.runs, 4, "runs");
                              expect_equal(now() - before, 400, "one after the other");
                          }),
              "");
}

TEST(MachineWork, ACancelledWorkDoesNotRunAndCancelWaitsForOneThatDoes)
{
    EXPECT_EQ(run_kernels(2, 30,
                          [] {
                              start_workers();
                              Watched first;
                              Watched second;
                              first.takes = 300;
                              first.queue(true, 1);
                              second.queue(true, 1);
                              sleep_for(100);
                              const u64 before = now();
                              expect(second.work.cancel(), "it was queued");
                              expect_equal(now(), before, "nothing to wait for");
                              expect(!first.work.cancel(), "it was running already");
                              expect_equal(now() - before, 200, "cancel() returns when it ends");
                              sleep_for(1000);
                              expect_equal(first.runs, 1, "runs of the first");
                              expect_equal(second.runs, 0, "runs of the cancelled one");
                          }),
              "");
}

TEST(MachineWork, DelayedWorkRunsExactlyAfterItsTimeUnlessItIsCancelled)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              start_workers();
                              static u64 ran;
                              static u32 runs;
                              ran = 0;
                              runs = 0;
                              DelayedWork later{[](void*) {
                                                    ran = now();
                                                    ++runs;
                                                    compute(50);
                                                },
                                                nullptr};
                              for (u32 i = 1; i <= 5; ++i) {
                                  const u64 counts = choose(2 * kTick);
                                  const u64 before = now();
                                  later.queue(counts * kNanosecondsPerCount);
                                  later.flush();
                                  expect_equal(ran - before, counts, "it runs");
                                  expect_equal(now() - before, counts + 50, "flush() returns");
                                  expect_equal(runs, i, "runs");
                              }
                              later.queue(100 * kNanosecondsPerCount);
                              sleep_for(50);
                              expect(later.cancel(), "its time had not come");
                              sleep_for(500);
                              expect_equal(runs, 5, "runs after cancel()");
                          }),
              "");
}

TEST(MachineEverywhere, TheFunctionRunsOnceOnEachCpuAtTheSameTime)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              start_everywhere_threads();
                              const auto body = [] {
                                  for (u32 i = 0; i < 4; ++i) {
                                      std::array<u32, 4> ran{};
                                      const u64 before = now();
                                      u64 began = 0;
                                      run_everywhere([&](CpuId cpu) {
                                          expect(is_thread_of_run_everywhere(), "its thread");
                                          expect(this_cpu_id() == cpu, "the CPU");
                                          ++ran[cpu.index()];
                                          began = now();
                                          sleep_for(100);
                                      });
                                      expect(!is_thread_of_run_everywhere(), "the caller is no such thread");
                                      expect_within(began - before, 0, 400, "it waits for the other's calls");
                                      expect_equal(now() - began, 100, "all at the same time");
                                      for (const u32 count : ran)
                                          expect_equal(count, 1, "runs");
                                  }
                              };
                              Running one{body, on_cpu(1)};
                              Running two{body, on_cpu(2)};
                          }),
              "");
}

} // namespace
} // namespace percival::testing

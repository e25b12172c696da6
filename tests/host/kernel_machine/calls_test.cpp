// SPDX-License-Identifier: BSD-2-Clause
// kernel/cpus/call.cpp and kernel/wait/stop_machine.cpp on the machine.
#include "arch/cpu/processor.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>

namespace percival::testing {
namespace {

TEST(MachineCall, EachCallRunsOnceOnTheCpuThatWasAskedBeforeItReturns)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              const auto body = [] {
                                  for (u32 i = 0; i < 15; ++i) {
                                      if (choose(3) == 0) {
                                          std::array<u32, 4> ran{};
                                          CpuId self{};
                                          {
                                              const PreemptGuard pin;
                                              self = this_cpu_id();
                                              call_on_others([&] {
                                                  expect(arch::interrupts_masked(), "interrupts are masked");
                                                  expect(preemption().count >= kInterruptCount,
                                                         "in an interrupt handler");
                                                  ++ran[this_cpu_id().index()];
                                              });
                                          }
                                          for (u32 cpu = 0; cpu < 4; ++cpu)
                                              expect_equal(ran[cpu], CpuId{cpu} == self ? 0 : 1,
                                                           "runs of a broadcast");
                                      } else {
                                          const CpuId cpu{static_cast<u32>(choose(4))};
                                          u32 runs = 0;
                                          const u64 before = now();
                                          call_on(cpu, [&] {
                                              expect(arch::interrupts_masked(), "interrupts are masked");
                                              expect(this_cpu_id() == cpu, "the CPU");
                                              ++runs;
                                          });
                                          expect_equal(runs, 1, "runs");
                                          expect_equal(now(), before, "it takes no time");
                                      }
                                      compute(choose(50));
                                  }
                              };
                              std::deque<Running> threads;
                              for (u32 i = 0; i < 4; ++i)
                                  threads.emplace_back(body);
                          }),
              "");
}

TEST(MachineCall, ABroadcastWaitsForTheCpusAskedAndNoLonger)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              const u64 before = now();
                              call_on_others([] { compute(100 * this_cpu_id().index()); });
                              expect_equal(now() - before, 300, "the longest");
                              std::atomic<u32> runs{0};
                              {
                                  Broadcast broadcast;
                                  broadcast.ask(
                                      [](void* counter) { ++*static_cast<std::atomic<u32>*>(counter); },
                                      &runs);
                                  expect_equal(broadcast.asked().size(), 3, "asked");
                                  expect(!broadcast.asked().contains(kBootCpu), "the caller is not asked");
                                  compute(10);
                                  expect_equal(runs, 3, "they run meanwhile");
                              }
                              expect_equal(now() - before, 310, "nothing more to wait for");
                          }),
              "");
}

TEST(MachineCall, ACpuWithInterruptsMaskedAnswersAsSoonAsTheyAreUnmasked)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              Running masked{[] {
                                                 const arch::InterruptMask mask;
                                                 compute(500);
                                             },
                                             on_cpu(1)};
                              compute(100);
                              const u64 before = now();
                              call_on(CpuId{1}, [] {});
                              expect_equal(now() - before, 400, "the wait");
                          }),
              "");
}

TEST(MachineStop, NobodyGoesOnWhileTheMachineIsStoppedAndAllGoOnAtOnce)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              bool over = false;
                              const auto body = [&] {
                                  while (!over)
                                      compute(100);
                              };
                              {
                                  Running one{body, on_cpu(1)};
                                  Running two{body, on_cpu(2)};
                                  sleep_for(choose(kTick)); // CPU 3 is idle
                                  for (u32 i = 0; i < 3; ++i) {
                                      std::array<u64, 4> before{};
                                      stop_machine([&] {
                                          expect(arch::interrupts_masked(), "interrupts are masked");
                                          for (u32 cpu = 1; cpu < 4; ++cpu)
                                              before[cpu] = machine().computed(cpu);
                                          compute(3 * kTick);
                                          for (u32 cpu = 1; cpu < 4; ++cpu)
                                              expect_equal(machine().computed(cpu), before[cpu],
                                                           "work of another CPU");
                                      });
                                      compute(10);
                                      for (u32 cpu = 1; cpu < 3; ++cpu)
                                          expect_equal(machine().computed(cpu) - before[cpu], 10,
                                                       "work afterwards");
                                  }
                                  over = true;
                              }
                          }),
              "");
}

// The alarm of a held CPU comes several times over, and would keep it from sleeping.
TEST(MachineStop, AHeldCpuSleepsAndItsTickDoesNotWakeIt)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              Running busy{[] { compute(10 * kTick); }, on_cpu(1)};
                              sleep_for(100);
                              u64 ticks = 0;
                              stop_machine([&] {
                                  compute(1); // all others sleep
                                  const u64 before = machine().sleeps(1) + machine().sleeps(2);
                                  compute(5 * kTick);
                                  expect(machine().sleeps_now(1) && machine().sleeps_now(2), "they sleep");
                                  expect_equal(machine().sleeps(1) + machine().sleeps(2), before, "sleeps");
                                  ticks = tick_count(CpuId{1});
                              });
                              compute(1);
                              expect_equal(tick_count(CpuId{1}) - ticks, 1, "the tick comes afterwards");
                          }),
              "");
}

TEST(MachineStop, SeveralThreadsThatStopTheMachineTakeTurns)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              u32 inside = 0;
                              u32 count = 0;
                              const u64 before = now();
                              {
                                  std::deque<Running> threads;
                                  for (u32 cpu = 0; cpu < 4; ++cpu) {
                                      threads.emplace_back(
                                          [&] {
                                              for (u32 i = 0; i < 3; ++i) {
                                                  stop_machine([&] {
                                                      expect(++inside == 1, "one at a time");
                                                      ++count;
                                                      compute(20);
                                                      --inside;
                                                  });
                                              }
                                          },
                                          on_cpu(cpu));
                                  }
                              }
                              expect_equal(count, 12, "each function runs once");
                              expect_equal(now() - before, 240, "the time of all of them");
                          }),
              "");
}

TEST(MachineOnline, TheCpusThatAreUpAreOnlineAndCounted)
{
    EXPECT_EQ(run_kernels(3, 5,
                          [] {
                              expect_equal(online_cpu_count(), 3, "the count");
                              u32 next = 0;
                              for_each_online_cpu(
                                  [&](CpuId cpu) { expect_equal(cpu.index(), next++, "the order"); });
                              expect_equal(next, 3, "visits");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

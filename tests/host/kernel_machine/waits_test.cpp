// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/wait_queue.hpp and what is made of it, and completions, on the machine: who waits for whom, and
// for how long.
#include "kernel/sched/completion.hpp"
#include "kernel/wait/mutex.hpp"
#include "kernel/wait/rw_lock_guards.hpp"
#include "kernel/wait/wait_queue.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/percpu/area.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>

namespace percival::testing {
namespace {

TEST(MachineWaitQueue, NoTokenIsLostAndEachIsTakenAtTheTimeItIsGiven)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              constexpr u32 kEach = 15;
                              WaitQueue queue;
                              u32 tokens = 0;
                              u64 given_at = 0;
                              const auto consume = [&] {
                                  for (u32 i = 0; i < kEach; ++i) {
                                      queue.wait_until([&] {
                                          const Aside one_step;
                                          if (tokens == 0)
                                              return false;
                                          --tokens;
                                          return true;
                                      });
                                      expect_equal(now(), given_at, "the time it was given");
                                  }
                              };
                              Running one{consume, on_cpu(1)};
                              Running two{consume, on_cpu(2)};
                              Running three{consume, on_cpu(3)};
                              for (u32 i = 0; i < 3 * kEach;) {
                                  if (choose(3) != 0)
                                      sleep_for(1 + choose(kTick));
                                  const u32 count =
                                      1 + static_cast<u32>(choose(std::min<u64>(3, 3 * kEach - i)));
                                  {
                                      const Aside one_step;
                                      tokens += count;
                                      given_at = now();
                                  }
                                  i += count;
                                  if (choose(2) == 0) {
                                      queue.wake_all();
                                  } else {
                                      for (u32 each = 0; each < count; ++each)
                                          queue.wake_one();
                                  }
                              }
                          }),
              "");
}

// Each wake-up may come at any step of the waiter, which other threads preempt: also when it has queued
// itself and not blocked yet.
TEST(MachineWaitQueue, AThreadThatIsWokenBeforeItBlocksGoesOn)
{
    EXPECT_EQ(run_kernels(3, 30,
                          [] {
                              constexpr u32 kTokens = 100;
                              CpuSet both = CpuSet::only(CpuId{1});
                              both.add(CpuId{2});
                              WaitQueue queue;
                              std::atomic<u32> tokens{0};
                              bool over = false;
                              const auto preempt = [&] {
                                  while (!over) {
                                      sleep_for(1 + choose(3));
                                      compute(choose(2));
                                  }
                              };
                              Running first{preempt, on_cpu(1, Priority::High)};
                              Running second{preempt, on_cpu(2, Priority::High)};
                              const auto consume = [&] {
                                  for (u32 i = 0; i < kTokens; ++i) {
                                      queue.wait_until([&] { return tokens != 0; });
                                      --tokens;
                                  }
                              };
                              Running waiter{consume, {.affinity = both}};
                              for (u32 i = 0; i < kTokens; ++i) {
                                  ++tokens;
                                  queue.wake_one();
                                  for (u32 looks = 0; looks < 50 && tokens != 0; ++looks)
                                      arch::relax();
                              }
                              for (u32 waited = 0; waited < 1000 && tokens != 0; ++waited)
                                  sleep_for(5);
                              expect(tokens == 0, "the waiter goes on");
                              over = true;
                          }),
              "");
}

// The waiters come one after the other. Each is ready to go on as soon as it is woken.
TEST(MachineWaitQueue, WakeOneWakesTheThreadThatHasWaitedLongestAndNoOther)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              WaitQueue queue;
                              bool open = false;
                              std::string order;
                              std::deque<Running> waiters;
                              for (const char who : {'a', 'b', 'c', 'd', 'e'}) {
                                  waiters.emplace_back([&, who] {
                                      queue.wait_until([&] { return open; });
                                      const Aside aside;
                                      order += who;
                                  });
                                  sleep_for(1 + choose(100));
                              }
                              open = true;
                              sleep_for(kTick);
                              expect(order.empty(), "nobody goes on without being woken");
                              for (std::size_t woken = 1; woken <= 5; ++woken) {
                                  queue.wake_one();
                                  sleep_for(1);
                                  expect(order == std::string{"abcde"}.substr(0, woken), "the order");
                              }
                          }),
              "");
}

TEST(MachineWaitQueue, AWakerWhoseConditionIsFalseLetsNobodyThrough)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              WaitQueue queue;
                              bool open = false;
                              u32 looks = 0;
                              Running waiter{[&] {
                                                 queue.wait_until([&] {
                                                     ++looks;
                                                     return open;
                                                 });
                                                 expect(open, "it waits until the condition holds");
                                             },
                                             on_cpu(1)};
                              sleep_for(10);
                              for (u32 i = 0; i < 5; ++i) {
                                  const u32 before = looks;
                                  queue.wake_all();
                                  sleep_for(10);
                                  expect_equal(looks - before, 1, "looks for a wake-up");
                              }
                              open = true;
                              queue.wake_all();
                          }),
              "");
}

TEST(MachineMutex, OneThreadHoldsItAtATimeAndNoneWaitsLongerThanTheHoldersBeforeIt)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              Mutex mutex;
                              u32 holders = 0;
                              constexpr u32 kThreads = 4;
                              constexpr u32 kTurns = 10;
                              constexpr u64 kHeld = 300;
                              const u64 before = now();
                              {
                                  std::deque<Running> threads;
                                  for (u32 cpu = 0; cpu < kThreads; ++cpu) {
                                      threads.emplace_back(
                                          [&] {
                                              for (u32 i = 0; i < kTurns; ++i) {
                                                  const MutexGuard guard{mutex};
                                                  expect(mutex.is_held_by_caller(), "it is held");
                                                  expect(++holders == 1, "one holder");
                                                  compute(kHeld);
                                                  --holders;
                                              }
                                              expect(!mutex.is_held_by_caller(), "it is given back");
                                          },
                                          on_cpu(cpu));
                                  }
                              }
                              // A holder follows the one before at once.
                              expect_equal(now() - before, kThreads * kTurns * kHeld,
                                           "the time of all turns");
                          }),
              "");
}

TEST(MachineMutex, AHolderThatGivesItBackAndTakesItAgainDoesNotWaitForAWaiter)
{
    EXPECT_EQ(run_kernels(1, 10,
                          [] {
                              Mutex mutex;
                              mutex.lock();
                              Running waiter{[&] { const MutexGuard guard{mutex}; }, on_cpu(0)};
                              sleep_for(10); // the waiter waits
                              const std::size_t before = switches().size();
                              mutex.unlock();
                              const bool taken = mutex.try_lock();
                              expect(taken, "it is free");
                              expect_equal(switches().size(), before, "switches");
                              if (taken)
                                  mutex.unlock();
                          }),
              "");
}

TEST(MachineMutex, TryLockTakesItExactlyWhenItIsFree)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              Mutex mutex;
                              Running holder{[&] {
                                                 const MutexGuard guard{mutex};
                                                 sleep_for(100);
                                             },
                                             on_cpu(1)};
                              sleep_for(50);
                              const u64 before = now();
                              expect(!mutex.try_lock(), "it is held");
                              expect_equal(now(), before, "it does not wait");
                              holder.join();
                              const bool taken = mutex.try_lock();
                              expect(taken, "it is free");
                              if (taken)
                                  mutex.unlock();
                          }),
              "");
}

TEST(MachineRwLock, AWriterIsAloneAndReadersShare)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              RwLock lock;
                              u32 readers = 0;
                              u32 writers = 0;
                              u32 most_readers = 0;
                              const auto body = [&] {
                                  for (u32 i = 0; i < 12; ++i) {
                                      if (choose(3) == 0) {
                                          const WriteGuard guard{lock};
                                          expect(readers == 0 && writers == 0, "a writer is alone");
                                          ++writers;
                                          compute(choose(200));
                                          expect(readers == 0 && writers == 1, "a writer stays alone");
                                          --writers;
                                      } else {
                                          const ReadGuard guard{lock};
                                          {
                                              const Aside one_step;
                                              expect(writers == 0, "no writer");
                                              ++readers;
                                              most_readers = std::max(most_readers, readers);
                                          }
                                          compute(choose(200));
                                          const Aside one_step;
                                          expect(writers == 0, "no writer comes");
                                          --readers;
                                      }
                                      if (choose(2) == 0)
                                          sleep_for(choose(300));
                                  }
                              };
                              {
                                  std::deque<Running> threads;
                                  for (u32 i = 0; i < 5; ++i)
                                      threads.emplace_back(body);
                              }
                              expect(most_readers > 1, "readers share");
                          }),
              "");
}

TEST(MachineRwLock, AReaderThatComesAfterAWaitingWriterWaitsForItAndAllReadersThenEnterAtOnce)
{
    EXPECT_EQ(run_kernels(4, 20,
                          [] {
                              RwLock lock;
                              const u64 begin = now();
                              u64 written = 0;
                              Running first{[&] {
                                                const ReadGuard guard{lock};
                                                compute(1000);
                                            },
                                            on_cpu(1)};
                              sleep_for(100);
                              Running writer{[&] {
                                                 const WriteGuard guard{lock};
                                                 expect_equal(now() - begin, 1000,
                                                              "the writer follows the reader");
                                                 compute(500);
                                                 written = now();
                                             },
                                             on_cpu(2)};
                              sleep_for(100);
                              const auto read = [&] {
                                  const ReadGuard guard{lock};
                                  expect_equal(now() - begin, 1500, "the readers follow the writer");
                                  expect_equal(now(), written, "at once");
                                  compute(10);
                              };
                              Running second{read, on_cpu(0)};
                              Running third{read, on_cpu(3)};
                          }),
              "");
}

TEST(MachineCompletion, EachWaiterGoesOnExactlyWhenTheEventHappens)
{
    EXPECT_EQ(run_kernels(4, 30,
                          [] {
                              Completion event;
                              u64 happened = 0;
                              bool has_happened = false;
                              const auto wait = [&] {
                                  sleep_for(choose(200));
                                  const u64 before = now();
                                  event.wait();
                                  expect(has_happened, "it has happened");
                                  expect_equal(now(), std::max(before, happened), "at once");
                              };
                              std::deque<Running> waiters;
                              for (u32 i = 0; i < 5; ++i)
                                  waiters.emplace_back(wait, on_cpu(i % 4));
                              sleep_for(100);
                              {
                                  const Aside one_step;
                                  has_happened = true;
                                  happened = now();
                              }
                              event.complete();
                              waiters.clear();
                              event.reset();
                              has_happened = false;
                              Running late{wait};
                              sleep_for(500);
                              expect(!has_happened, "reset() makes it wait again");
                              has_happened = true;
                              happened = now();
                              event.complete();
                          }),
              "");
}

TEST(MachineThread, JoinReturnsWhenTheThreadEndsAndFreesItOnce)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              for (u32 i = 0; i < 5; ++i) {
                                  const u64 counts = choose(1000);
                                  const u64 before = now();
                                  Running one{[=] { compute(counts); }, on_cpu(1 + i % 2)};
                                  one.join();
                                  expect_equal(now() - before, counts, "join()");
                              }
                          }),
              "");
}

} // namespace
} // namespace percival::testing

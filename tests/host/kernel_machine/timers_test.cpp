// SPDX-License-Identifier: BSD-2-Clause
// kernel/sched/timers.cpp and tick.cpp on the machine.
#include "arch/cpu/processor.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>

namespace percival::testing {
namespace {

// A timer and the model of it.
struct Watched {
    Timer timer{&Watched::ring, this};
    u64 when{0};
    bool running{false};
    u32 rings{0};
    u64 takes{0};    // how long its function computes
    u64 lateness{0}; // how much later than `when` it may ring
    u64 rang_at{0};
    u32 again{0}; // how often its function starts it again
    u64 period{0};
    bool in_function{false};

    void start(u64 counts)
    {
        {
            const Aside aside;
            when = now() + counts;
            running = true;
        }
        timer.start(counts * kNanosecondsPerCount);
    }

    static void ring(void* self)
    {
        auto& own = *static_cast<Watched*>(self);
        expect(arch::interrupts_masked(), "a timer rings in its interrupt");
        expect(own.running, "it rings only if it runs");
        expect_within(now(), own.when, own.when + own.lateness, "it rings at its time");
        own.running = false;
        ++own.rings;
        own.rang_at = now();
        own.in_function = true;
        compute(own.takes);
        own.in_function = false;
        if (own.again != 0) {
            --own.again;
            own.start(own.period);
        }
    }
};

TEST(MachineTimers, ASleepLastsExactlyAsLongAsAsked)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              for (u32 i = 0; i < 10; ++i) {
                                  const u64 before = now();
                                  const u64 counts = choose(3 * kTick);
                                  sleep_for(counts);
                                  expect_equal(now() - before, counts, "the sleep");
                              }
                          }),
              "");
}

// Busy and idle CPUs, whose threads start timers and cancel some of them at random.
TEST(MachineTimers, TimersRingExactlyAtTheirTimesUnlessTheyAreCancelled)
{
    EXPECT_EQ(run_kernels(3, 40,
                          [] {
                              const auto body = [] {
                                  std::array<Watched, 6> timers;
                                  for (u32 i = 0; i < 20; ++i) {
                                      Watched& one = timers[choose(timers.size())];
                                      bool runs;
                                      u32 rings;
                                      {
                                          const Aside aside;
                                          runs = one.running;
                                          rings = one.rings;
                                      }
                                      if (!runs) {
                                          one.start(choose(2 * kTick));
                                      } else if (choose(2) == 0) {
                                          const bool stopped = one.timer.cancel();
                                          const Aside aside;
                                          expect_equal(one.rings - rings, stopped ? 0 : 1,
                                                       "rings or is stopped");
                                          one.running = false;
                                      }
                                      if (choose(2) == 0)
                                          compute(choose(kTick));
                                      else
                                          sleep_for(choose(kTick));
                                  }
                                  sleep_for(2 * kTick);
                                  for (Watched& one : timers)
                                      expect(!one.running, "no timer is forgotten");
                              };
                              Running first{body};
                              Running second{body};
                              Running third{body, on_cpu(1)};
                          }),
              "");
}

TEST(MachineTimers, TimersThatCameDueWhileInterruptsWereMaskedRingInOrderAsSoonAsTheyAreUnmasked)
{
    EXPECT_EQ(run_kernels(1, 10,
                          [] {
                              static u32 next;
                              next = 0;
                              struct Ordered {
                                  Timer timer{[](void* self) {
                                                  expect_equal(next, static_cast<Ordered*>(self)->place,
                                                               "the order");
                                                  ++next;
                                              },
                                              this};
                                  u32 place{0};
                              };
                              std::array<Ordered, 5> timers;
                              constexpr std::array<u32, 5> kPlaces{3, 0, 4, 1, 2};
                              {
                                  const arch::InterruptMask masked;
                                  for (u32 i = 0; i < 5; ++i) {
                                      timers[i].place = kPlaces[i];
                                      timers[i].timer.start((10 + kPlaces[i]) * kNanosecondsPerCount);
                                  }
                                  compute(13); // the time of all but the last comes
                                  expect_equal(next, 0, "rings while interrupts are masked");
                              }
                              compute(1);
                              expect_equal(next, 5, "rings");
                          }),
              "");
}

TEST(MachineTimers, ATimerDoesNotRingWithOneThatIsDueACountEarlier)
{
    EXPECT_EQ(run_kernels(1, 3,
                          [] {
                              Watched one;
                              Watched next;
                              one.start(100);
                              next.start(101);
                              compute(500);
                              expect_equal(next.rang_at - one.rang_at, 1, "between the two");
                          }),
              "");
}

TEST(MachineTimers, ATimerThatStartsItselfAgainKeepsItsPeriodExactly)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              Watched one;
                              one.again = 9;
                              one.period = 777;
                              const u64 before = now();
                              one.start(777);
                              sleep_for(20'000);
                              expect_equal(one.rings, 10, "rings");
                              expect_equal(one.rang_at - before, 7770, "the last");
                          }),
              "");
}

TEST(MachineTimers, CancelWaitsForAFunctionThatRunsOnAnotherCpuAndNoLonger)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              Watched one;
                              one.takes = 500;
                              Running starter{[&] { one.start(100); }, on_cpu(1)};
                              starter.join();
                              const u64 before = now();
                              compute(300);
                              expect(one.in_function, "the function runs");
                              expect(!one.timer.cancel(), "it was not stopped before it rang");
                              expect(!one.in_function, "the function has ended");
                              expect_equal(now() - before, 600, "cancel() returns when the function ends");
                          }),
              "");
}

TEST(MachineTimers, ATimerThatIsCancelledInTimeNeverRingsAndCancelDoesNotWait)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              Watched one;
                              Watched other;
                              Running starter{[&] {
                                                  one.start(100);
                                                  other.start(200);
                                              },
                                              on_cpu(1)};
                              starter.join();
                              const u64 before = now();
                              expect(one.timer.cancel(), "it was stopped");
                              expect(!one.timer.cancel(), "it does not run any more");
                              expect_equal(now(), before, "cancel() returns at once");
                              sleep_for(500);
                              expect_equal(one.rings, 0, "rings of the cancelled one");
                              expect_equal(other.rings, 1, "rings of the other one");
                          }),
              "");
}

TEST(MachineTick, AnIdleCpuWakesOnceASecondAndNoMore)
{
    EXPECT_EQ(run_kernels(4, 5,
                          [] {
                              sleep_for(kCountsPerSecond + 1);
                              std::array<u64, 4> sleeps{};
                              std::array<u64, 4> ticks{};
                              for (u32 cpu = 1; cpu < 4; ++cpu) {
                                  sleeps[cpu] = machine().sleeps(cpu);
                                  ticks[cpu] = tick_count(CpuId{cpu});
                              }
                              sleep_for(10 * kCountsPerSecond);
                              for (u32 cpu = 1; cpu < 4; ++cpu) {
                                  expect_equal(tick_count(CpuId{cpu}) - ticks[cpu], 10, "ticks");
                                  expect_equal(machine().sleeps(cpu) - sleeps[cpu], 10, "sleeps");
                              }
                          }),
              "");
}

TEST(MachineTick, ABusyCpuTicksFiftyTimesASecond)
{
    EXPECT_EQ(run_kernels(2, 5,
                          [] {
                              const u64 before = tick_count(kBootCpu);
                              compute(4 * kCountsPerSecond);
                              expect_within(tick_count(kBootCpu) - before, 4 * kTicksPerSecond - 1,
                                            4 * kTicksPerSecond + 1, "ticks");
                          }),
              "");
}

TEST(MachineTick, TimersBetweenTwoTicksDoNotMoveTheTick)
{
    EXPECT_EQ(run_kernels(1, 5,
                          [] {
                              Watched often;
                              often.again = 400;
                              often.period = kTick / 3;
                              often.start(1);
                              const u64 before = tick_count(kBootCpu);
                              compute(2 * kCountsPerSecond);
                              expect_within(tick_count(kBootCpu) - before, 2 * kTicksPerSecond - 1,
                                            2 * kTicksPerSecond + 1, "ticks");
                              often.timer.cancel();
                          }),
              "");
}

TEST(MachineTick, AHandlerThatTakesTheAlarmOverIsCalledAtTheTimesItSets)
{
    EXPECT_EQ(run_kernels(2, 5,
                          [] {
                              const WithoutTick allowed;
                              static u64 called;
                              called = 0;
                              take_over_alarm([] { ++called; });
                              compute(2 * kCountsPerSecond);
                              expect_equal(called, 0, "calls without an alarm");
                              take_over_alarm(nullptr);
                              const u64 before = tick_count(kBootCpu);
                              compute(kTick + 1);
                              expect_within(tick_count(kBootCpu) - before, 1, 2,
                                            "ticks once it has the alarm again");
                          }),
              "");
}

TEST(MachineTick, TheTickDoesNotStartWithoutACounterThatMovesAndSaysSo)
{
    EXPECT_EQ(run_kernels(1, 1,
                          [] {
                              const WithoutTick allowed;
                              const arch::InterruptMask masked;
                              machine().stop_count();
                              const auto started = start_tick();
                              machine().resume_count();
                              expect(!started, "the tick does not start");
                              std::array<char, 128> room;
                              Writer text{room};
                              started.error().describe(text);
                              expect(text.text().ends_with("CNTVCT_EL0, stands still"),
                                     "the message names the counter");
                              expect(start_tick().has_value(), "the tick starts when the counter moves");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

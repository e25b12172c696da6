// SPDX-License-Identifier: BSD-2-Clause
// kernel/percpu/counter.cpp and ref.cpp on the machine.
#include "kernel/percpu/counter.hpp"
#include "kernel/percpu/ref.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>

namespace percival::testing {
namespace {

TEST(MachineCounter, TheSumIsExactHoweverThreadsMoveAndNoDeltaReachesTheBatch)
{
    constexpr s32 kBatch = 8;
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              auto made = PercpuCounter::make(5, kBatch);
                              expect(made.has_value(), "there is memory");
                              PercpuCounter& counter = *made;
                              s64 expected = 5;
                              {
                                  std::deque<Running> threads;
                                  for (u32 i = 0; i < 4; ++i) {
                                      threads.emplace_back([&] {
                                          for (u32 each = 0; each < 60; ++each) {
                                              const s32 amount = static_cast<s32>(choose(7)) - 3;
                                              counter.add(amount);
                                              {
                                                  const Aside one_step;
                                                  expected += amount;
                                              }
                                              if (choose(8) == 0)
                                                  static_cast<void>(
                                                      migrate_to(CpuId{static_cast<u32>(choose(4))}));
                                              if (choose(8) == 0)
                                                  compute(choose(kTick));
                                          }
                                      });
                                  }
                              }
                              expect(counter.sum() == expected, "the sum");
                              const s64 hidden = counter.sum() - counter.approximate();
                              expect(hidden <= 4 * (kBatch - 1) && -hidden <= 4 * (kBatch - 1), "the deltas");
                          }),
              "");
}

TEST(MachineCounter, TheCommonCountChangesExactlyWhenADeltaReachesTheBatch)
{
    EXPECT_EQ(run_kernels(2, 5,
                          [] {
                              auto made = PercpuCounter::make(0, 10);
                              PercpuCounter& counter = *made;
                              for (const s32 amount : {1, -1}) {
                                  for (s32 i = 1; i < 10; ++i) {
                                      counter.add(amount);
                                      expect(counter.approximate() == 0, "it stays in the delta");
                                      expect(counter.sum() == i * amount, "the sum");
                                  }
                                  counter.add(amount);
                                  expect(counter.approximate() == 10 * amount, "the batch is moved");
                                  counter.set(0);
                              }
                              counter.add(4);
                              counter.set(100);
                              expect(counter.sum() == 100 && counter.approximate() == 100,
                                     "set() clears the deltas");
                          }),
              "");
}

TEST(MachineCounter, CompareIsExactNearTheLimitAndFarFromIt)
{
    EXPECT_EQ(run_kernels(3, 5,
                          [] {
                              constexpr s32 kBatch = 10;
                              auto made = PercpuCounter::make(0, kBatch);
                              PercpuCounter& counter = *made;
                              for (const s32 amount : {kBatch - 1, 1 - kBatch}) {
                                  // All CPUs keep the greatest delta that they may.
                                  for (u32 cpu = 0; cpu < 3; ++cpu) {
                                      Running one{[&] { counter.add(amount); }, on_cpu(cpu)};
                                  }
                                  expect(counter.approximate() == 0, "the common count");
                                  const s64 sum = 3 * amount;
                                  for (s64 limit = sum - 2; limit <= sum + 2; ++limit)
                                      expect(counter.compare(limit) == (sum <=> limit), "near the limit");
                                  expect(counter.compare(1000) == std::strong_ordering::less, "far below");
                                  expect(counter.compare(-1000) == std::strong_ordering::greater,
                                         "far above");
                                  counter.set(0);
                              }
                          }),
              "");
}

TEST(MachineCounter, WithoutMemoryThereIsNoCounter)
{
    EXPECT_EQ(run_kernels(1, 1,
                          [] {
                              percpu_memory_is_out = true;
                              const auto made = PercpuCounter::make();
                              expect(!made && made.error() == percpu::Error::NoMemory, "the error");
                          }),
              "");
}

// The object behind a reference, and the model: how many references there are.
struct Counted {
    PercpuRef ref;
    s64 references{1};
    u32 releases{0};
    bool killed{false};

    Counted()
    {
        const auto started = ref.start(
            [](void* self) {
                auto& own = *static_cast<Counted*>(self);
                ++own.releases;
                expect(own.killed, "it is released after kill() only");
                expect_equal(static_cast<u64>(own.references), 0, "references at the release");
            },
            this);
        expect(started.has_value(), "there is memory");
    }
    void note(s64 change)
    {
        const Aside one_step;
        references += change;
    }
};

TEST(MachineRef, TheObjectIsReleasedOnceWithTheLastReferenceAfterKill)
{
    EXPECT_EQ(run_kernels(4, 60,
                          [] {
                              Counted object;
                              const auto use = [&] {
                                  for (u32 i = 0; i < 20; ++i) {
                                      if (!object.ref.try_get_alive())
                                          return;
                                      object.note(1);
                                      if (choose(3) == 0)
                                          compute(choose(kTick));
                                      if (choose(4) == 0)
                                          static_cast<void>(migrate_to(CpuId{static_cast<u32>(choose(4))}));
                                      expect_equal(object.releases, 0, "releases while a reference is held");
                                      object.note(-1);
                                      object.ref.put();
                                  }
                              };
                              {
                                  Running one{use};
                                  Running two{use};
                                  Running three{use};
                                  sleep_for(choose(5 * kTick));
                                  object.killed = true;
                                  object.note(-1);
                                  object.ref.kill();
                                  expect(object.ref.is_killed(), "it is killed");
                                  expect(!object.ref.try_get_alive(), "no new reference");
                              }
                              expect_equal(object.releases, 1, "releases");
                              expect(object.ref.is_zero(), "no reference is left");
                              expect(!object.ref.try_get(), "none can be taken");
                              object.killed = false;
                              object.references = 1;
                              object.ref.restart();
                              expect(object.ref.try_get_alive(), "it lives again");
                              object.ref.put();
                              object.killed = true;
                              object.references = 0;
                              object.ref.kill();
                              expect_equal(object.releases, 2, "releases after the restart");
                          }),
              "");
}

TEST(MachineRef, ChangesOfTheModeLoseNoReference)
{
    EXPECT_EQ(run_kernels(4, 40,
                          [] {
                              Counted object;
                              const auto use = [&] {
                                  for (u32 i = 0; i < 20; ++i) {
                                      object.ref.get();
                                      object.note(1);
                                      if (choose(3) == 0)
                                          compute(choose(100));
                                      object.note(-1);
                                      object.ref.put();
                                  }
                              };
                              {
                                  Running one{use};
                                  Running two{use};
                                  Running three{use};
                                  for (u32 i = 0; i < 6; ++i) {
                                      object.ref.switch_to_atomic();
                                      compute(choose(100));
                                      object.ref.switch_to_percpu();
                                      compute(choose(100));
                                  }
                              }
                              expect_equal(object.releases, 0, "releases before kill()");
                              object.killed = true;
                              object.note(-1);
                              object.ref.kill();
                              expect_equal(object.releases, 1, "releases");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

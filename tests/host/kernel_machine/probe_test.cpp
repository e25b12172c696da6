// SPDX-License-Identifier: BSD-2-Clause
// kernel/percpu/probe.cpp on the machine, whose TLBs are as the test says.
#include "kernel/percpu/probe.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "kernel_machine/support/percpu_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival::testing {
namespace {

constexpr u32 kReads = 1000;

// What a local load sees, and when.
struct Load {
    u32 cpu;
    u64 time;
};
std::vector<Load>& loads()
{
    static std::vector<Load> all;
    return all;
}

// Notes the loads. Each takes `counts`, and sees the copy that sees(cpu, its number on this CPU) names.
template <class Sees>
void watch_loads(u64 counts, Sees sees)
{
    loads().clear();
    set_tlb([counts, sees = std::move(sees), number = std::array<u32, kMaxMachineCpus>{}](u32 cpu) mutable {
        machine().compute(counts);
        loads().push_back({cpu, now()});
        return sees(cpu, number[cpu]++);
    });
}
void watch_loads(u64 counts = 0)
{
    watch_loads(counts, [](u32 cpu, u32) { return cpu; });
}

u64 loads_of(u32 cpu)
{
    return static_cast<u64>(std::ranges::count(loads(), cpu, &Load::cpu));
}

// A probe that finds what the TLBs of the test are.
std::string finds(bool is_private, u32 cpus, u32 runs, const std::function<u32(u32 cpu, u32 number)>& sees)
{
    return run_kernels(cpus, runs, [&] {
        start_everywhere_threads();
        watch_loads(0, sees);
        expect(tlbs_are_private() == is_private, "what the probe finds");
    });
}

TEST(MachineProbe, EachCpuReadsBesideBothNeighboursAndFindsItsOwnPage)
{
    EXPECT_EQ(run_kernels(4, 3,
                          [] {
                              start_everywhere_threads();
                              watch_loads();
                              const u64 before = now();
                              expect(tlbs_are_private(), "they are");
                              expect_equal(now(), before, "as fast as the CPUs are");
                              expect_equal(loads_of(0), kReads, "reads at the first end");
                              expect_equal(loads_of(1), 2 * kReads, "reads in the middle");
                              expect_equal(loads_of(2), 2 * kReads, "reads in the middle");
                              expect_equal(loads_of(3), kReads, "reads at the last end");
                          }),
              "");
}

TEST(MachineProbe, TwoCpusTakeTurnsFromTheFirstReadToTheLast)
{
    EXPECT_EQ(run_kernels(2, 5,
                          [] {
                              start_everywhere_threads();
                              watch_loads();
                              expect(tlbs_are_private(), "they are");
                              const Aside aside;
                              for (u32 i = 0; i < 2 * kReads; ++i)
                                  expect_equal(loads()[i].cpu, i % 2, "whose turn it is");
                          }),
              "");
}

TEST(MachineProbe, OneReadOfAnothersPageIsEnoughWhicheverItIs)
{
    for (const u32 cpu : {0U, 1U, 2U}) {
        for (const u32 wrong : {0U, kReads / 2, kReads - 1}) {
            EXPECT_EQ(finds(false, 3, 1,
                            [=](u32 self, u32 number) {
                                return self == cpu && number == wrong ? (cpu + 1) % 3 : self;
                            }),
                      "");
        }
    }
    // The last read of the CPU in the middle is beside its second neighbour.
    EXPECT_EQ(finds(false, 3, 1, [](u32 self, u32 number) { return self == 1 && number == 1999 ? 2 : self; }),
              "");
    EXPECT_EQ(finds(true, 3, 1, [](u32 self, u32) { return self; }), "");
}

// Two threads of a core with one TLB: the entry of the one that walks first serves both.
TEST(MachineProbe, ASharedTlbIsFoundBetweenAnyNeighbours)
{
    for (const u32 first : {0U, 1U, 2U}) {
        EXPECT_EQ(finds(false, 4, 1,
                        [first, walked = kMaxMachineCpus](u32 self, u32) mutable {
                            if (self != first && self != first + 1)
                                return self;
                            if (walked == kMaxMachineCpus)
                                walked = self;
                            return walked;
                        }),
                  "");
    }
}

TEST(MachineProbe, EachHalfCountsItsOwnWrongReads)
{
    EXPECT_EQ(run_kernels(3, 3,
                          [] {
                              start_everywhere_threads();
                              watch_loads(0, [](u32 cpu, u32 number) {
                                  const bool wrong = cpu == 0 ? number % 10 == 3 : number < 7;
                                  return wrong ? 1 - cpu : cpu;
                              });
                              std::array<u32, 3> wrong{};
                              start_tlb_probe();
                              run_everywhere([&](CpuId self) {
                                  const arch::InterruptMask masked;
                                  if (self.index() != 2)
                                      wrong[self.index()] = reads_beside(self, CpuId{1 - self.index()}).wrong;
                              });
                              expect_equal(wrong[0], kReads / 10, "of CPU 0");
                              expect_equal(wrong[1], 7, "of CPU 1");
                          }),
              "");
}

// Two CPUs have a quarter of a second from the first turn on. The first CPU of the pair looks after each of
// its reads; the other one then reads for the last time.
TEST(MachineProbe, APairThatTakesTurnsTooSlowlyEndsAfterItsTimeLimit)
{
    constexpr u64 kLimit = kCountsPerSecond / 4;
    struct Case {
        u64 counts_of_read;
        u64 reads_each;
    };
    for (const Case& each : {Case{kLimit + 1, 1},
                             {kLimit, 2},
                             {kLimit / 3 + 1, 2},
                             {kLimit / 3, 3},
                             {kLimit / 5, 4},
                             {10, kReads}}) {
        EXPECT_EQ(run_kernels(2, 2,
                              [each] {
                                  start_everywhere_threads();
                                  watch_loads(each.counts_of_read);
                                  machine().set_spin_step(kCountsPerSecond);
                                  const u64 before = now();
                                  expect(tlbs_are_private(), "they are");
                                  expect_equal(loads_of(0), each.reads_each, "reads of the first");
                                  expect_equal(loads_of(1), each.reads_each, "reads of the second");
                                  expect_equal(now() - before, 2 * each.reads_each * each.counts_of_read,
                                               "the time of both");
                              }),
                  "");
    }
}

// The limit is per pair, and all pairs together take half a second and the last reads.
TEST(MachineProbe, TheTimeLimitIsSharedByAllCpus)
{
    EXPECT_EQ(run_kernels(4, 2,
                          [] {
                              start_everywhere_threads();
                              constexpr u64 kRead = 1000;
                              watch_loads(kRead);
                              machine().set_spin_step(kCountsPerSecond);
                              const u64 before = now();
                              expect(tlbs_are_private(), "they are");
                              const u64 reads = 64; // an eighth of a second is the time of 125 reads in turn
                              expect_equal(loads_of(0), reads, "reads at the first end");
                              expect_equal(loads_of(1), 2 * reads, "reads in the middle");
                              expect_equal(now() - before, 3 * 2 * reads * kRead, "three pairs in turn");
                          }),
              "");
}

TEST(MachineProbe, ItCanBeRepeatedAndWrongReadsAreOfOneProbeOnly)
{
    EXPECT_EQ(run_kernels(2, 2,
                          [] {
                              start_everywhere_threads();
                              watch_loads(0, [](u32 cpu, u32 number) { return number == 5 ? 1 - cpu : cpu; });
                              expect(!tlbs_are_private(), "the first finds it");
                              watch_loads(kCountsPerSecond);
                              expect(tlbs_are_private(), "the second has no time");
                              expect_equal(loads().size(), 2, "its reads");
                              watch_loads();
                              expect(tlbs_are_private(), "the third");
                              expect_equal(loads().size(), 2 * kReads, "its reads");
                          }),
              "");
}

TEST(MachineProbe, CpusThatAreOffAreLeftOut)
{
    EXPECT_EQ(run_kernels(4, 3,
                          [] {
                              start_everywhere_threads();
                              expect(take_cpu_offline(CpuId{1}).has_value(), "it goes");
                              watch_loads();
                              expect(tlbs_are_private(), "they are");
                              expect_equal(loads_of(0), kReads, "CPU 0 beside CPU 2");
                              expect_equal(loads_of(1), 0, "reads of CPU 1");
                              expect_equal(loads_of(2), 2 * kReads, "CPU 2 beside CPU 0 and CPU 3");
                              expect_equal(loads_of(3), kReads, "CPU 3 beside CPU 2");
                          }),
              "");
}

TEST(MachineProbe, OneCpuHasNobodyToShareWith)
{
    EXPECT_EQ(run_kernels(1, 2,
                          [] {
                              start_everywhere_threads();
                              watch_loads();
                              expect(tlbs_are_private(), "they are");
                              expect_equal(loads().size(), 0, "reads");
                          }),
              "");
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Tests what is said of samples, and which counters are believed.
#include "arch/cpu/performance_counter.hpp"
#include "kernel/selftest/core_kinds.hpp"
#include "kernel/selftest/cost_fields.hpp"
#include "kernel/selftest/known_loops.hpp"
#include "kernel/selftest/samples.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace percival {
namespace {

TEST(Samples, the_distribution_has_the_lowest_the_middle_and_the_99th_of_a_hundred)
{
    Samples<100> samples;
    for (u64 value = 100; value != 0; --value)
        samples.keep(value);
    EXPECT_TRUE(samples.is_full());
    EXPECT_EQ(samples.distribution(), (Distribution{1, 50, 99}));
}

TEST(Samples, a_single_sample_is_all_of_the_distribution)
{
    Samples<3> samples;
    samples.keep(7);
    EXPECT_FALSE(samples.is_full());
    EXPECT_EQ(samples.distribution(), (Distribution{7, 7, 7}));
}

TEST(Samples, what_is_thrown_away_is_counted_and_takes_no_room)
{
    Samples<2> samples;
    samples.keep(1);
    samples.throw_away();
    samples.throw_away();
    samples.keep(3);
    samples.keep(100); // is full
    EXPECT_EQ(samples.thrown_away(), 2u);
    EXPECT_EQ(samples.distribution(), (Distribution{1, 1, 3}));
}

// 100 turns in a sample: the loop itself takes 300 cycles, and the operation 4.5 on average.
constexpr Sampled kWith{.cycles = {700, 750, 2000}, .tlb_refills = 4100, .tlb_walks = 20, .thrown_away = 3};
constexpr Sampled kWithout{.cycles = {300, 310, 900}, .tlb_refills = 100, .tlb_walks = 30, .thrown_away = 7};

TEST(Cost, is_what_a_turn_takes_more_than_the_fastest_empty_loop)
{
    constexpr Cost cost = cost_between(kWith, kWithout, 100, {});
    EXPECT_EQ(cost.cycles, (Distribution{400, 450, 1700}));
    EXPECT_EQ(cost.tlb_refills, 20u); // 4000 in 200 samples of 100 turns: a fifth of one
    EXPECT_EQ(cost.tlb_walks, 0u);    // fewer than in the empty loop
    EXPECT_EQ(cost.thrown_away, 3u);
}

TEST(Cost, has_no_counter_that_is_not_believed)
{
    constexpr CounterVerdicts kNoTlb{.instructions = "", .cycles = "", .tlb_refills = "a", .tlb_walks = "b"};
    constexpr Cost cost = cost_between(kWith, kWithout, 100, kNoTlb);
    EXPECT_FALSE(cost.tlb_refills || cost.tlb_walks);
}

TEST(Cost, of_a_pair_is_divided_but_not_its_samples)
{
    constexpr CounterVerdicts kNoWalks{.instructions = "", .cycles = "", .tlb_refills = "", .tlb_walks = "b"};
    const Cost half = cost_between(kWith, kWithout, 100, kNoWalks).divided_by(2);
    EXPECT_EQ(half.cycles, (Distribution{200, 225, 850}));
    EXPECT_EQ(half.tlb_refills, 10u);
    EXPECT_FALSE(half.tlb_walks);
    EXPECT_EQ(half.thrown_away, 3u);
}

TEST(Cost, has_its_median_first_and_no_field_for_what_is_not_counted)
{
    std::array<char, 200> room;
    Writer json{room};
    put_cost(json, {.cycles = {401, 1250, 1799}, .tlb_refills = 5, .tlb_walks = {}, .thrown_away = 3});
    EXPECT_EQ(json.text(), R"(,"cycles":12.50,"cycles_minimum":4.01,"cycles_p99":17.99,"tlb_refills":0.05,)"
                           R"("thrown_away":3)");
}

TEST(PmuEvents, an_event_has_the_bit_of_its_number)
{
    using arch::counts, arch::Pmceid0, arch::Pmceid1, arch::PmuEvent;
    EXPECT_TRUE(counts(PmuEvent::DataTlbRefill, Pmceid0{0x20}, Pmceid1{}));
    EXPECT_TRUE(counts(PmuEvent::InstructionsRetired, Pmceid0{0x100}, Pmceid1{}));
    EXPECT_TRUE(counts(PmuEvent::DataTlbWalk, Pmceid0{}, Pmceid1{0x10'0000}));
    constexpr PmuEvent kUnifiedTlbRefill{0x2d}; // L2D_TLB_REFILL
    EXPECT_TRUE(counts(kUnifiedTlbRefill, Pmceid0{}, Pmceid1{0x2000}));
    EXPECT_FALSE(counts(PmuEvent::DataTlbRefill, Pmceid0{~u64{0x20}}, Pmceid1{~u64{0}}));
    EXPECT_FALSE(counts(PmuEvent::DataTlbWalk, Pmceid0{~u64{0}}, Pmceid1{~u64{0x10'0000}}));
}

// What a core counts: additions in one cycle, multiplications in three, a walk for each new page.
constexpr KnownLoops kCore{.has_counters = true,
                           .has_instructions = true,
                           .has_tlb_refills = true,
                           .has_tlb_walks = true,
                           .instructions = 1600,
                           .addition = 100,
                           .multiplication = 300,
                           .refills_new = 101,
                           .refills_in_use = 0,
                           .walks_new = 100,
                           .walks_in_use = 0};

constexpr bool believes_all_but(const CounterVerdicts& verdicts, std::string_view CounterVerdicts::* wrong)
{
    for (const auto counter : {&CounterVerdicts::instructions, &CounterVerdicts::cycles,
                               &CounterVerdicts::tlb_refills, &CounterVerdicts::tlb_walks})
        if ((verdicts.*counter).empty() == (counter == wrong))
            return false;
    return true;
}

TEST(KnownLoops, every_counter_of_a_core_is_believed)
{
    EXPECT_TRUE(believes_all_but(judge(kCore), nullptr));
    EXPECT_FALSE(judge(kCore).is_emulated);
}

TEST(KnownLoops, without_enough_counters_none_is_believed)
{
    KnownLoops loops = kCore;
    loops.has_counters = false;
    const CounterVerdicts verdicts = judge(loops);
    for (const std::string_view wrong :
         {verdicts.instructions, verdicts.cycles, verdicts.tlb_refills, verdicts.tlb_walks})
        EXPECT_FALSE(wrong.empty());
    EXPECT_FALSE(verdicts.is_emulated);
}

TEST(KnownLoops, a_core_that_keeps_16_pages_in_an_entry_is_believed)
{
    KnownLoops loops = kCore;
    loops.refills_new = loops.walks_new = 6;
    EXPECT_TRUE(believes_all_but(judge(loops), nullptr));
}

TEST(KnownLoops, cycles_of_an_emulator_that_counts_instructions_are_not_believed)
{
    KnownLoops loops = kCore;
    loops.multiplication = 100;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::cycles));
    EXPECT_TRUE(judge(loops).is_emulated);
}

TEST(KnownLoops, cycles_that_stand_still_or_run_by_another_clock_are_not_believed)
{
    for (const u64 addition : {0u, 30u, 89u, 161u, 500u}) {
        KnownLoops loops = kCore;
        loops.addition = addition;
        EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::cycles)) << addition;
        EXPECT_FALSE(judge(loops).is_emulated) << addition;
    }
}

TEST(KnownLoops, without_instructions_cycles_are_not_believed_either)
{
    KnownLoops loops = kCore;
    loops.has_instructions = false;
    EXPECT_FALSE(judge(loops).instructions.empty());
    EXPECT_FALSE(judge(loops).cycles.empty());
    loops.has_instructions = true;
    for (const u64 counted : {0u, 1583u, 1617u, 3200u}) {
        loops.instructions = counted;
        EXPECT_FALSE(judge(loops).instructions.empty()) << counted;
        EXPECT_FALSE(judge(loops).cycles.empty()) << counted;
        EXPECT_TRUE(judge(loops).is_emulated) << counted;
    }
}

TEST(KnownLoops, events_of_the_tlb_that_are_not_there_or_stand_still_are_not_believed)
{
    KnownLoops loops = kCore;
    loops.has_tlb_refills = false;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::tlb_refills));
    loops = kCore;
    loops.refills_new = 5;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::tlb_refills));
    loops = kCore;
    loops.walks_new = 0;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::tlb_walks));
}

TEST(KnownLoops, an_event_that_counts_every_access_is_not_believed)
{
    KnownLoops loops = kCore;
    loops.walks_in_use = 3;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::tlb_walks));
    loops = kCore;
    loops.refills_in_use = 100;
    EXPECT_TRUE(believes_all_but(judge(loops), &CounterVerdicts::tlb_refills));
}

// Returns the CPUs on which a machine is measured whose CPUs have these MIDRs; 0 is one that is offline.
std::vector<u32> measured_on(const std::vector<u64>& midrs)
{
    std::vector<u32> cpus;
    for_first_of_each_kind(
        [&midrs](auto visit) {
            for (u32 cpu = 0; cpu < midrs.size(); ++cpu) {
                if (midrs[cpu] != 0)
                    visit(CpuId{cpu});
            }
        },
        [&midrs](CpuId cpu) { return midrs[cpu.index()]; },
        [&cpus](CpuId cpu) { cpus.push_back(cpu.index()); });
    return cpus;
}

constexpr u64 kLittle = 0x410f'd034, kBig = 0x410f'd083, kNewerBig = 0x410f'd084;

TEST(CoreKinds, a_machine_of_equal_cores_is_measured_on_its_first_cpu)
{
    EXPECT_EQ(measured_on({kBig}), std::vector<u32>{0});
    EXPECT_EQ(measured_on({kBig, kBig, kBig, kBig}), std::vector<u32>{0});
}

TEST(CoreKinds, a_machine_of_several_kinds_is_measured_on_the_first_cpu_of_each)
{
    EXPECT_EQ(measured_on({kLittle, kLittle, kBig, kBig}), (std::vector<u32>{0, 2}));
    EXPECT_EQ(measured_on({kBig, kLittle, kBig, kLittle, kNewerBig}), (std::vector<u32>{0, 1, 4}));
}

TEST(CoreKinds, a_cpu_that_is_offline_stands_for_no_kind)
{
    EXPECT_EQ(measured_on({kLittle, 0, 0, kBig, kBig}), (std::vector<u32>{0, 3}));
}

} // namespace
} // namespace percival

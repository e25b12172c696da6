// SPDX-License-Identifier: BSD-2-Clause
// The probes of TLBs on this machine, and with a step that is broken on purpose: they must find it.
#include "kernel/probes/completion.hpp"
#include "kernel/probes/litmus_steps.hpp"
#include "kernel/probes/tlb_pairs.hpp"
#include "mm/kernel_map/spurious_fault.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/roots.hpp"
#include "tests/kernel/support/vm_support.hpp"

namespace percival {
namespace {

constexpr TryBudget kFewTries{.tries = 4, .ticks = 0};

CpuPairs one_pair()
{
    CpuPairs pairs;
    EXPECT(pairs.push({kBootCpu, nth_online_cpu(1)}));
    return pairs;
}

PERCIVAL_TEST(probes, every_cpu_finds_its_own_page_beside_each_of_its_partners)
{
    SKIP_WITH_COMMON_ROOT();
    SKIP_WITHOUT_ANOTHER_CPU();
    read_in_pairs(false);
    for_each_online_cpu([](CpuId cpu) {
        const PairReads reads = reads_in_pairs(cpu);
        EXPECT(reads.made >= online_cpu_count() - 1 || online_cpu_count() > 16);
        EXPECT_EQ(reads.wrong, 0u);
    });
}

PERCIVAL_TEST(probes, a_cpu_on_the_root_of_another_one_is_found)
{
    SKIP_WITH_COMMON_ROOT();
    SKIP_WITHOUT_ANOTHER_CPU();
    read_in_pairs(true);
    for_each_online_cpu(
        [](CpuId cpu) { EXPECT((reads_in_pairs(cpu).wrong != 0) == (cpu == nth_online_cpu(1))); });
}

PERCIVAL_TEST(probes, no_old_page_is_seen_after_tlbi_and_dsb_repeated_or_not)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    for (const bool repeats : {arch::needs_repeated_tlbi(), true}) {
        const auto tally = try_completion({repeats, false}, one_pair(), kFewTries);
        ASSERT(tally.has_value());
        EXPECT_EQ(tally->tries, kFewTries.tries);
        EXPECT_EQ(tally->count(Outcome::Old), 0u);
    }
}

PERCIVAL_TEST(probes, a_tlbi_left_out_is_found_by_the_completion)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const auto tally = try_completion({true, true}, one_pair(), kFewTries);
    ASSERT(tally.has_value());
    EXPECT(tally->count(Outcome::Old) != 0);
}

// Tries each of the shapes that are forbidden whatever the CPU has. Calls visit(shape, steps, tally).
template <class Visit>
void try_forbidden_shapes(bool leaves_out_tlbi, Visit visit)
{
    Stage stage{{arch::needs_repeated_tlbi(), leaves_out_tlbi}};
    ASSERT(stage.is_ready());
    for (u32 number = 0; number < kLitmusShapes.size(); ++number) {
        const LitmusShape& shape = kLitmusShapes[number];
        const ShapeSteps& steps = litmus_steps()[number].steps;
        if (shape.verdict != ShapeVerdict::Forbidden || (steps.needs_two_cpus() && online_cpu_count() == 1))
            continue;
        visit(shape, steps, try_shape(steps, shape.asked, stage, one_pair(), kFewTries));
    }
}

PERCIVAL_TEST(probes, no_shape_has_a_forbidden_outcome)
{
    try_forbidden_shapes(false, [](const LitmusShape& shape, const ShapeSteps&, const Tally& tally) {
        EXPECT_EQ(tally.tries, kFewTries.tries);
        if (!EXPECT_EQ(tally.count(shape.asked), 0u))
            print("  # {}", shape.name);
    });
}

PERCIVAL_TEST(probes, without_its_tlbi_each_shape_that_has_one_shows_the_forbidden_outcome)
{
    try_forbidden_shapes(true, [](const LitmusShape& shape, const ShapeSteps& steps, const Tally& tally) {
        const bool has_tlbi = steps.start == Stage::Start::OldPage;
        if (!EXPECT((tally.count(shape.asked) != 0) == has_tlbi))
            print("  # {}", shape.name);
    });
}

PERCIVAL_TEST(probes, a_fault_that_the_handler_retries_counts_as_a_fault)
{
    constexpr ShapeSteps kSteps{Stage::Start::OldPage, nullptr, nullptr, [](Stage& stage) {
                                    EXPECT(mm::is_spurious({VirtAddr{4}, address_of(&stage), false}));
                                    return Outcome::Old;
                                }};
    Stage stage{{false, false}};
    ASSERT(stage.is_ready());
    EXPECT_EQ(try_shape(kSteps, Outcome::Fault, stage, one_pair(), kFewTries).count(Outcome::Fault),
              kFewTries.tries);
    EXPECT_EQ(try_shape(kSteps, Outcome::Old, stage, one_pair(), kFewTries).count(Outcome::Old),
              kFewTries.tries);
}

PERCIVAL_TEST(probes, each_cpu_writes_in_one_pair_and_observes_in_one_unless_there_are_many)
{
    const CpuPairs pairs = pairs_of_online_cpus();
    EXPECT(pairs.size() == online_cpu_count() || online_cpu_count() > kMostPairs);
    for (const CpuPair& pair : pairs) {
        EXPECT(is_online(pair.writer) && pair.observer == cpu_after(pair.writer));
        EXPECT_EQ(pair.is_alone(), online_cpu_count() == 1);
    }
}

PERCIVAL_TEST(probes, a_stage_keeps_nothing)
{
    expect_nothing_kept([] {
        Stage stage{{true, false}};
        ASSERT(stage.is_ready());
        stage.begin(Stage::Start::Holes);
    });
}

} // namespace
} // namespace percival

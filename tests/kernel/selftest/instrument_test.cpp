// SPDX-License-Identifier: BSD-2-Clause
// Tests the instrument on the PMU that is here, which need not count cycles as a core does.
#include "kernel/selftest/instrument.hpp"

#include "arch/cpu/performance_counter.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/exceptions/exception_watch.hpp"
#include "kernel/selftest/selftest.hpp"

// A PMU may have fewer counters than the instrument needs.
#define SKIP_WITHOUT_COUNTERS()                                     \
    do {                                                            \
        if (!arch::RunningCounters::are_here())                     \
            SKIP("this CPU's PMU has fewer than 3 event counters"); \
    } while (false)

namespace percival {
namespace {

struct Pmovsset {
    PERCIVAL_SYSTEM_REGISTER(Pmovsset, "pmovsset_el0")
};

void take_exception()
{
    EXPECT(arch::catch_fault([](void*) { asm volatile("udf #0"); }, nullptr).has_value());
}

// Calls `disturb` in the samples from number `first` on, for `count` samples. Sample 0 warms up.
struct Disturbance {
    void (*disturb)();
    u64 first;
    u64 count;
    u64 samples{0};

    Loop loop()
    {
        return {[](const void* turn, u64) {
                    // SAFETY: sample() hands the pointer through that loop() made of a Disturbance.
                    auto& self = *static_cast<Disturbance*>(const_cast<void*>(turn));
                    const u64 sample = self.samples++;
                    if (sample >= self.first && sample - self.first < self.count)
                        self.disturb();
                },
                this};
    }
};

PERCIVAL_TEST(instrument, an_exception_is_seen_after_it_returned)
{
    const arch::InterruptMask masked;
    const arch::ExceptionWatch quiet;
    EXPECT(!quiet.saw_one());
    const arch::ExceptionWatch watch;
    take_exception();
    EXPECT(watch.saw_one());
}

PERCIVAL_TEST(instrument, a_sample_with_an_exception_is_thrown_away_and_counted)
{
    SKIP_WITHOUT_COUNTERS();
    const arch::InterruptMask masked;
    Disturbance disturbance{&take_exception, 3, 2};
    const auto sampled = sample(disturbance.loop());
    EXPECT(sampled.has_value() && sampled->thrown_away == 2);
    EXPECT_EQ(disturbance.samples, 1 + kSamples + 2);
}

PERCIVAL_TEST(instrument, a_sample_in_which_a_counter_overflows_is_thrown_away_and_counted)
{
    SKIP_WITHOUT_COUNTERS();
    const arch::InterruptMask masked;
    Disturbance disturbance{[] { Pmovsset{u64{1} << 31}.write(); }, 1, 5};
    const auto sampled = sample(disturbance.loop());
    EXPECT(sampled.has_value() && sampled->thrown_away == 5);
}

PERCIVAL_TEST(instrument, an_operation_that_always_takes_an_exception_has_no_cost_in_cycles)
{
    SKIP_WITHOUT_COUNTERS();
    Disturbance disturbance{&take_exception, 0, ~u64{0}};
    EXPECT(!sample(disturbance.loop()).has_value());
    EXPECT_EQ(disturbance.samples, 1 + kSamples);
}

PERCIVAL_TEST(instrument, what_prepares_a_sample_is_done_before_each_and_is_no_part_of_it)
{
    SKIP_WITHOUT_COUNTERS();
    const arch::InterruptMask masked;
    Disturbance turns{nullptr, 0, 0};
    static constinit u64 prepared = 0;
    prepared = 0;
    const auto sampled = sample(turns.loop(), 1, {[](const void*) {
                                    take_exception();
                                    ++prepared;
                                }});
    EXPECT(sampled.has_value() && sampled->thrown_away == 0);
    EXPECT_EQ(prepared, kSamples);
}

PERCIVAL_TEST(instrument, counters_stand_still_again_after_samples)
{
    SKIP_WITHOUT_COUNTERS();
    const u64 before = arch::Pmcntenset::read().raw;
    {
        const arch::RunningCounters running;
        EXPECT_EQ(arch::Pmcntenset::read().raw, before | u64{1} << 31 | 7);
    }
    EXPECT_EQ(arch::Pmcntenset::read().raw, before);
}

} // namespace
} // namespace percival

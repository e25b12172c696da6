// SPDX-License-Identifier: BSD-2-Clause
// Counters and reference counts on percpu memory: no change is lost or counted twice, on whatever CPUs
// threads make changes.
#include "kernel/cpus/online.hpp"
#include "kernel/percpu/counter.hpp"
#include "kernel/percpu/ref.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/held_reader.hpp"

namespace percival {
namespace {

constexpr s32 kBatch = 32;

// Returns the largest error of approximate().
s64 max_error()
{
    return s64{kBatch - 1} * possible_cpu_count();
}

PERCIVAL_TEST(percpu_counter, the_sum_is_exact_after_all_cpus_add_at_once)
{
    auto counter = PercpuCounter::make(1000, kBatch);
    ASSERT(counter.has_value());
    constexpr s32 kEach = 10'000;
    run_everywhere([&counter](CpuId cpu) {
        for (s32 n = 0; n < kEach; ++n)
            counter->add(n % 7 - 2 + static_cast<s32>(cpu.index() % 2));
    });
    s64 expected = 1000;
    for_each_online_cpu([&expected](CpuId cpu) {
        for (s32 n = 0; n < kEach; ++n)
            expected += n % 7 - 2 + static_cast<s32>(cpu.index() % 2);
    });
    EXPECT_EQ(counter->sum(), expected);
    EXPECT(counter->approximate() - expected <= max_error());
    EXPECT(expected - counter->approximate() <= max_error());
}

PERCIVAL_TEST(percpu_counter, the_sum_stays_right_while_amounts_move_to_the_common_count)
{
    auto counter = PercpuCounter::make(0, 2);
    ASSERT(counter.has_value());
    counter->add(1);
    // Every CPU adds 1 and takes it back, so a sum in between is at most the number of CPUs above the start
    // value.
    u64 wrong[kMaxCpus] = {};
    // sum() starts over whenever an amount moves. Many CPUs move many amounts, so they make fewer turns.
    const u32 turns = online_cpu_count() > 8 ? 10 : 500;
    run_everywhere([&](CpuId cpu) {
        for (u32 n = 0; n < turns; ++n) {
            counter->add(1);
            const s64 sum = counter->sum();
            wrong[cpu.index()] += sum < 1 || sum > 1 + s64{online_cpu_count()} ? 1 : 0;
            counter->add(-1);
        }
    });
    for_each_online_cpu([&wrong](CpuId cpu) { EXPECT_EQ(wrong[cpu.index()], 0u); });
    EXPECT_EQ(counter->sum(), 1);
}

PERCIVAL_TEST(percpu_counter, a_delta_goes_to_the_common_count_when_it_reaches_the_batch_and_not_before)
{
    auto counter = PercpuCounter::make(0, kBatch);
    ASSERT(counter.has_value());
    const PreemptGuard on_this_cpu;
    for (const s32 step : {1, -1}) {
        counter->set(0);
        for (s32 n = 1; n < kBatch; ++n)
            EXPECT(!counter->add(step));
        EXPECT_EQ(counter->approximate(), 0);
        EXPECT(counter->add(step));
        EXPECT_EQ(counter->approximate(), s64{step} * kBatch);
        EXPECT_EQ(counter->sum(), s64{step} * kBatch);
    }
}

PERCIVAL_TEST(percpu_counter, set_replaces_the_deltas_of_all_cpus)
{
    auto counter = PercpuCounter::make(0, kBatch);
    ASSERT(counter.has_value());
    run_everywhere([&counter](CpuId) { counter->add(5); });
    counter->set(7);
    EXPECT_EQ(counter->sum(), 7);
    EXPECT_EQ(counter->approximate(), 7);
}

PERCIVAL_TEST(percpu_counter, a_comparison_is_right_however_close_the_limit_is)
{
    auto counter = PercpuCounter::make(0, kBatch);
    ASSERT(counter.has_value());
    run_everywhere([&counter](CpuId) {
        for (s32 n = 0; n < kBatch - 1; ++n)
            counter->inc();
    });
    const s64 sum = s64{kBatch - 1} * online_cpu_count();
    EXPECT(counter->compare(sum) == std::strong_ordering::equal);
    EXPECT(counter->compare(sum - 1) == std::strong_ordering::greater);
    EXPECT(counter->compare(sum + 1) == std::strong_ordering::less);
    EXPECT(counter->compare(sum + 10 * max_error()) == std::strong_ordering::less);
    EXPECT(counter->compare(sum - 10 * max_error()) == std::strong_ordering::greater);
}

PERCIVAL_TEST(percpu_counter, running_out_of_memory_is_an_error_and_leaks_nothing)
{
    // The deltas come from a CPU's stock, which the first counter fills. The failing allocation is the common
    // part.
    EXPECT(PercpuCounter::make().has_value());
    mm::FailNth first{1};
    const auto counter = PercpuCounter::make();
    EXPECT(first.has_failed() != counter.has_value());
}

// An object that a reference count protects.
struct Object {
    PercpuRef ref;
    std::atomic<u32> releases{0};

    bool start() { return ref.start(&Object::release, this).has_value(); }
    static void release(void* self) { static_cast<Object*>(self)->releases.fetch_add(1); }
};

PERCIVAL_TEST(percpu_ref, the_release_comes_once_with_the_last_put_after_the_kill)
{
    Object object;
    ASSERT(object.start());
    object.ref.get();
    object.ref.get();
    object.ref.put();
    EXPECT(!object.ref.is_zero());
    object.ref.kill();
    EXPECT(object.ref.is_killed());
    EXPECT_EQ(object.releases.load(), 0u);
    EXPECT(!object.ref.try_get_alive());
    EXPECT(object.ref.try_get());
    object.ref.put();
    EXPECT_EQ(object.releases.load(), 0u);
    object.ref.put();
    EXPECT_EQ(object.releases.load(), 1u);
    EXPECT(object.ref.is_zero());
    EXPECT(!object.ref.try_get());
}

PERCIVAL_TEST(percpu_ref, one_cpu_may_put_the_references_that_another_got)
{
    Object object;
    ASSERT(object.start());
    run_everywhere([&object](CpuId cpu) {
        for (u32 n = 0; n < 100 * (cpu.index() + 1); ++n)
            object.ref.get();
    });
    u32 gets = 0;
    for_each_online_cpu([&gets](CpuId cpu) { gets += 100 * (cpu.index() + 1); });
    for (u32 n = 0; n < gets; ++n)
        object.ref.put();
    EXPECT_EQ(object.releases.load(), 0u);
    object.ref.kill();
    EXPECT_EQ(object.releases.load(), 1u);
}

// All other CPUs get and put references as fast as they can while the boot CPU changes the way of counting
// and kills the object.
PERCIVAL_TEST(percpu_ref, no_reference_is_lost_while_the_way_of_counting_changes)
{
    Object object;
    ASSERT(object.start());
    std::atomic<u32> running{0};
    run_everywhere([&](CpuId cpu) {
        running.fetch_add(1);
        if (cpu == kBootCpu) {
            for (u32 n = 0; n < 10; ++n) {
                object.ref.switch_to_atomic();
                object.ref.switch_to_percpu();
            }
            object.ref.kill();
            return;
        }
        while (object.ref.try_get_alive()) {
            EXPECT_EQ(object.releases.load(), 0u);
            object.ref.put();
        }
    });
    EXPECT_EQ(running.load(), online_cpu_count());
    EXPECT_EQ(object.releases.load(), 1u);
    EXPECT(object.ref.is_zero());
}

// A CPU that has found per-CPU counting may still count for itself, so its count must not be read yet.
PERCIVAL_TEST(percpu_ref, a_change_to_the_common_count_waits_for_cpus_that_may_still_count_for_themselves)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    Object object;
    ASSERT(object.start());
    expect_wait_for_readers([&object] { object.ref.switch_to_atomic(); });
    object.ref.switch_to_percpu();
    expect_wait_for_readers([&object] { object.ref.kill(); });
    EXPECT_EQ(object.releases.load(), 1u);
}

PERCIVAL_TEST(percpu_ref, a_released_reference_count_can_be_restarted)
{
    Object object;
    ASSERT(object.start());
    for (u32 round = 1; round <= 3; ++round) {
        EXPECT(object.ref.try_get_alive());
        object.ref.kill();
        EXPECT_EQ(object.releases.load(), round - 1);
        object.ref.put();
        EXPECT_EQ(object.releases.load(), round);
        object.ref.restart();
        EXPECT(!object.ref.is_killed());
    }
    object.ref.kill();
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Hazards of many threads that use one counter: lost increments (a), plain read-modify-write under a pin
// beside this_cpu operations (c), and a flush at a threshold that reads another copy than the one it has
// changed (e). In every mode nothing is lost while threads are preempted and moved between any two
// instructions. The controls leave out the protection and lose counts.
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/left_copy.hpp"
#include "tests/kernel/support/moved_operation.hpp"
#include "tests/kernel/support/moved_threads.hpp"

#include <algorithm>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};

using arch::PercpuMode;

constexpr u64 kOperations = 200'000; // of each test
constexpr u64 kMoves = 120;
constexpr u64 kManualOperations = 10'000'000;
constexpr u64 kManualMigrations = 100'000;
constexpr u64 kBatch = 32;

void check_adds(u64 operations, u64 moves)
{
    clear(counter);
    const u64 made = while_moved(operations, moves, [](u32) { counter.add(1); });
    EXPECT_EQ(sum_of(counter), made);
}

PERCIVAL_TEST(hazard_sum, adds_of_moved_threads_are_exact)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    check_adds(kOperations, kMoves);
}

PERCIVAL_TEST_MANUAL(hazard_sum, ten_million_adds_and_a_hundred_thousand_migrations_are_exact_in_every_mode)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    for_each_percpu_mode([](PercpuMode) { check_adds(kManualOperations, kManualMigrations); });
}

// A pinned thread's plain increment is safe beside this_cpu operations of other threads. No other thread can
// run on this CPU meanwhile, and threads on other CPUs do not change this copy.
PERCIVAL_TEST(hazard_sum, plain_increments_under_a_pin_beside_adds_are_exact)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    clear(counter);
    const u64 made = while_moved(kOperations, kMoves, [](u32 number) {
        if (number % 2 == 0)
            return counter.add(1);
        const PreemptGuard pin;
        u64& own = counter.here(pin);
        const u64 before = __atomic_load_n(&own, __ATOMIC_RELAXED);
        __atomic_store_n(&own, before + 1, __ATOMIC_RELAXED);
    });
    EXPECT_EQ(sum_of(counter), made);
}

constinit std::atomic<u64> flushed{0};

u64 largest_copy()
{
    u64 largest = 0;
    for_each_online_cpu([&largest](CpuId cpu) { largest = std::max(largest, counter.on(cpu)); });
    return largest;
}

// Each thread decides by the value that its add returned, which is that of the copy it changed. If a thread
// is moved before it flushes, the next thread that adds to the copy flushes it.
PERCIVAL_TEST(hazard_sum, a_flush_at_a_threshold_keeps_its_bound)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    clear(counter);
    flushed.store(0);
    const u64 made = while_moved(kOperations, kMoves, [](u32) {
        if (counter.add_return(1) >= kBatch)
            flushed.fetch_add(counter.xchg(0), std::memory_order_relaxed);
    });
    EXPECT_EQ(sum_of(counter) + flushed.load(), made);
    EXPECT(largest_copy() < kBatch + thread_count());
}

[[gnu::noinline]] void add_one()
{
    counter.add(1);
}

[[gnu::noinline]] void add_one_unprotected()
{
    u64 value;
    asm volatile("ldr %[value], [%[copy]]\n"
                 "add %[value], %[value], #1\n"
                 "str %[value], [%[copy]]"
                 : [value] "=&r"(value)
                 : [copy] "r"(&unprotected(counter))
                 : "memory");
}

// Runs `operation` once for each of its instructions. Before that instruction, 1 is added to the same copy.
// Returns how many runs lost one of the two.
u64 lost_between_instructions(void (*operation)())
{
    const SilentTick silent;
    u64 places = 0, lost = 0;
    for (const u32* instruction : executed_by(operation)) {
        clear(counter);
        if (!stop_before(instruction, operation, [] { counter.on(kFrom) = counter.on(kFrom) + 1; }))
            continue;
        ++places;
        lost += sum_of(counter) != 2;
    }
    EXPECT(places >= 3);
    return lost;
}

PERCIVAL_TEST(hazard_sum, an_add_loses_nothing_that_comes_between_any_two_of_its_instructions)
{
    in_a_thread_that_may_move([] {
        for_each_kind_of_atomics(arch::percpu_form().mode,
                                 [](PercpuMode) { EXPECT_EQ(lost_between_instructions(&add_one), 0u); });
    });
}

// What comes before the addition or before the store is overwritten.
PERCIVAL_TEST(hazard_sum, an_unprotected_increment_loses_what_comes_between_its_load_and_its_store)
{
    in_a_thread_that_may_move([] { EXPECT_EQ(lost_between_instructions(&add_one_unprotected), 2u); });
}

// The add is atomic, but it uses the address of a CPU that its thread has left. A pinned thread on that CPU
// relies on being the only one to change the copy, and its store overwrites the add.
PERCIVAL_TEST(hazard_sum, an_unprotected_atomic_add_beside_a_plain_increment_under_a_pin_is_lost)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    clear(counter);
    u64 found = 0;
    write_from_elsewhere(
        counter, [](u64& copy) { __atomic_fetch_add(&copy, 1, __ATOMIC_RELAXED); },
        [&](const PreemptGuard& pin) { found = __atomic_load_n(&counter.here(pin), __ATOMIC_RELAXED); },
        [&](const PreemptGuard& pin) { __atomic_store_n(&counter.here(pin), found + 1, __ATOMIC_RELAXED); });
    EXPECT_EQ(sum_of(counter), 1u);
}

// The thread adds to one CPU's copy and compares the next CPU's copy, to which no thread has added.
PERCIVAL_TEST(hazard_sum, an_unprotected_flush_at_a_threshold_drifts)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    clear(counter);
    flushed.store(0);
    in_a_thread_that_may_move([] {
        for (u64 turn = 0; turn < 10 * kBatch; ++turn) {
            go_to(kBootCpu);
            __atomic_fetch_add(&unprotected(counter), 1, __ATOMIC_RELAXED);
            move_on();
            if (__atomic_load_n(&unprotected(counter), __ATOMIC_RELAXED) >= kBatch)
                flushed.fetch_add(__atomic_exchange_n(&unprotected(counter), 0, __ATOMIC_RELAXED));
        }
    });
    EXPECT(largest_copy() >= 5 * kBatch);
}

} // namespace
} // namespace percival

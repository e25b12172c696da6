// SPDX-License-Identifier: BSD-2-Clause
// Hazards of decisions by per-CPU data: (f) a batched counter whose slow path is called needlessly or not at
// all, (g) a reader-writer lock of per-CPU counts that a thread enters on one CPU and leaves on another, and
// (h) a state that is set on one CPU and looked at on another. In every mode a single operation decides by
// the copy that it has changed. Two operations do not: they need a PreemptGuard, which the last tests show.
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/left_copy.hpp"
#include "tests/kernel/support/moved_operation.hpp"
#include "tests/kernel/support/moved_threads.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

namespace percival {
namespace {

using arch::PercpuMode;

template <class F>
void in_each_kind_of_atomics(F f)
{
    in_a_thread_that_may_move([&f] {
        for_each_kind_of_atomics(arch::percpu_form().mode, [&f](PercpuMode) {
            const SilentTick silent;
            f();
        });
    });
}

// --- (f) The slow path of a batched counter

constexpr u64 kBatch = 32;
PERCIVAL_PERCPU PerCpu<u64> batched{};
constinit std::atomic<u64> slow_calls{0};

[[gnu::noinline]] void count_one()
{
    if (batched.add_return(1) >= kBatch)
        slow_calls.fetch_add(1, std::memory_order_relaxed);
}

// Moves count_one() before each of its instructions, while the copies of the two CPUs begin with the given
// values. Expects a call of the slow path exactly if the copy that was changed has reached the batch.
void expect_slow_calls_by_the_changed_copy(u64 from, u64 to)
{
    u64 places = 0;
    for (const u32* instruction : executed_by(&count_one)) {
        batched.on(kFrom) = from;
        batched.on(kTo) = to;
        slow_calls.store(0);
        if (!move_before(instruction, &count_one).hit)
            continue;
        ++places;
        const bool on_first = batched.on(kFrom) == from + 1, on_second = batched.on(kTo) == to + 1;
        EXPECT(on_first != on_second);
        EXPECT_EQ(slow_calls.load(), (on_first ? from : to) + 1 >= kBatch ? 1u : 0u);
    }
    EXPECT(places != 0);
}

PERCIVAL_TEST(hazard_state, a_moved_batched_counter_calls_its_slow_path_exactly_when_its_copy_is_full)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_each_kind_of_atomics([] {
        expect_slow_calls_by_the_changed_copy(kBatch - 1, 0);
        expect_slow_calls_by_the_changed_copy(0, kBatch - 1);
    });
}

// Counts `turns` times on the first CPU and each time looks at the next CPU's copy. Returns how often it
// would call the slow path.
u64 slow_calls_by_the_next_cpus_copy(u64 turns)
{
    u64 calls = 0;
    for (u64 turn = 0; turn < turns; ++turn) {
        go_to(kBootCpu);
        __atomic_fetch_add(&unprotected(batched), 1, __ATOMIC_RELAXED);
        move_on();
        calls += __atomic_load_n(&unprotected(batched), __ATOMIC_RELAXED) >= kBatch;
    }
    return calls;
}

PERCIVAL_TEST(hazard_state, an_unprotected_batched_counter_misses_slow_calls_and_makes_needless_ones)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        clear(batched);
        EXPECT_EQ(slow_calls_by_the_next_cpus_copy(2 * kBatch), 0u); // each from kBatch on has missed it
        clear(batched);
        batched.on(cpu_after(kBootCpu)) = kBatch;
        EXPECT_EQ(slow_calls_by_the_next_cpus_copy(kBatch - 1), kBatch - 1); // none of them was full
    });
}

// --- (g) A reader-writer lock of per-CPU counts: a writer waits until their sum is 0

PERCIVAL_PERCPU PerCpu<s64> readers{};

[[gnu::noinline]] void enter()
{
    readers.inc();
}

[[gnu::noinline]] void leave()
{
    readers.dec();
}

[[gnu::noinline]] void leave_unprotected()
{
    s64 value;
    asm volatile("ldr %[value], [%[copy]]\n"
                 "sub %[value], %[value], #1\n"
                 "str %[value], [%[copy]]"
                 : [value] "=&r"(value)
                 : [copy] "r"(&unprotected(readers))
                 : "memory");
}

PERCIVAL_TEST(hazard_state, readers_that_enter_on_one_cpu_and_leave_on_another_are_counted_right)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_each_kind_of_atomics([] {
        u64 left_elsewhere = 0;
        for (const u32* instruction : executed_by(&enter)) {
            clear(readers);
            if (move_before(instruction, &enter).hit)
                EXPECT_EQ(sum_of(readers), 1);
        }
        for (const u32* instruction : executed_by(&leave)) {
            clear(readers);
            EXPECT(migrate_to(kFrom));
            enter();
            EXPECT_EQ(sum_of(readers), 1);
            if (move_before(instruction, &leave).hit)
                left_elsewhere += readers.on(kFrom) == 1 && readers.on(kTo) == -1;
            EXPECT_EQ(sum_of(readers), 0);
        }
        EXPECT(left_elsewhere != 0);
    });
}

// A reader enters between the load and the store of one that leaves. Then the writer finds no reader.
PERCIVAL_TEST(hazard_state, a_reader_that_enters_while_another_leaves_unprotected_is_lost)
{
    in_a_thread_that_may_move([] {
        const SilentTick silent;
        u64 lost = 0;
        for (const u32* instruction : executed_by(&leave_unprotected)) {
            clear(readers);
            readers.on(kFrom) = 1;
            if (stop_before(instruction, &leave_unprotected,
                            [] { readers.on(kFrom) = readers.on(kFrom) + 1; }))
                lost += sum_of(readers) != 1;
        }
        EXPECT_EQ(lost, 2u);
    });
}

// No mode makes the count of one CPU the number of readers.
PERCIVAL_TEST(hazard_state, the_count_of_one_cpu_says_nothing_of_a_reader_that_entered_on_another)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        clear(readers);
        go_to(kBootCpu);
        enter();
        move_on();
        EXPECT_EQ(readers.read(), 0);
        EXPECT_EQ(sum_of(readers), 1);
        leave();
        EXPECT_EQ(readers.read(), -1);
        EXPECT_EQ(sum_of(readers), 0);
    });
}

// --- (h) A state of each CPU

PERCIVAL_PERCPU PerCpu<u64> busy{};
constinit u64 seen_busy{0};

[[gnu::noinline]] void set_look_and_clear()
{
    const PreemptGuard pin;
    busy.write(1);
    seen_busy = busy.read();
    busy.write(0);
}

PERCIVAL_TEST(hazard_state, a_state_set_and_looked_at_in_one_guard_is_that_of_one_cpu)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_each_kind_of_atomics([] {
        u64 places = 0;
        for (const u32* instruction : executed_by(&set_look_and_clear)) {
            clear(busy);
            seen_busy = 0;
            if (!move_before(instruction, &set_look_and_clear).hit)
                continue;
            ++places;
            EXPECT_EQ(seen_busy, 1u);
            EXPECT_EQ(sum_of(busy), 0u);
        }
        EXPECT(places >= 4);
    });
}

PERCIVAL_TEST(hazard_state, a_state_set_and_looked_at_without_a_guard_is_that_of_two_cpus)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        clear(busy);
        go_to(kBootCpu);
        busy.write(1);
        move_on();
        EXPECT_EQ(busy.read(), 0u);
        busy.write(0);
        EXPECT_EQ(busy.on(kBootCpu), 1u); // set for ever
    });
}

// A thread on the boot CPU decides by its state. Between the decision and its use, `write(copy)` runs in a
// thread that has taken the address of the boot CPU's copy and left that CPU. Returns whether the decision
// still holds.
template <class Write>
bool decision_holds_beside(Write write)
{
    clear(busy);
    u64 decided_by = 0;
    bool holds = false;
    write_from_elsewhere(
        busy, write, [&](const PreemptGuard&) { decided_by = busy.read(); },
        [&](const PreemptGuard&) { holds = busy.read() == decided_by; });
    return holds;
}

PERCIVAL_TEST(hazard_state, a_decision_by_the_state_of_a_cpu_holds_beside_writes_of_threads_that_have_left_it)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    EXPECT(decision_holds_beside([](u64&) { busy.write(1); }));
}

PERCIVAL_TEST(hazard_state, an_unprotected_write_of_a_thread_that_has_left_the_cpu_voids_its_decision)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    EXPECT(!decision_holds_beside([](u64& copy) { __atomic_store_n(&copy, 1, __ATOMIC_RELAXED); }));
}

} // namespace
} // namespace percival

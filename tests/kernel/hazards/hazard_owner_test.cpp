// SPDX-License-Identifier: BSD-2-Clause
// Hazard (b), and hazard (a) on the wrong CPU: a thread that was moved changes the copy of the CPU that it
// has left. A thread that is pinned there sees its copy change. The operations never do that, in any mode:
// only threads on a CPU change its copy, and while a thread is pinned no other thread runs on its CPU.
#include "mm/percpu/this_cpu.hpp"
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/left_copy.hpp"
#include "tests/kernel/support/moved_threads.hpp"

namespace percival {
namespace {

constexpr u64 kTurns = 20'000;
constexpr u64 kMoves = 120;
constexpr u32 kLooks = 40;

PERCIVAL_PERCPU PerCpu<u64> word{};
PERCIVAL_PERCPU PerCpu<arch::PercpuPair> pair{};

// Pins the thread and reads this CPU's copies repeatedly. Returns how many reads saw a change.
u64 changes_seen_while_pinned()
{
    const PreemptGuard pin;
    const volatile u64& own = word.here(pin);
    const volatile u64& own_pair = pair.here(pin).low;
    const u64 before = own, pair_before = own_pair;
    u64 changes = 0;
    for (u32 look = 0; look < kLooks; ++look)
        changes += own != before || own_pair != pair_before;
    return changes;
}

// Runs `operate` in half of the threads while the other half watch their copies. Returns the changes they
// saw.
template <class Operate>
u64 changes_seen(Operate operate)
{
    std::atomic<u64> seen{0};
    while_moved(kTurns, kMoves, [&](u32 number) {
        if (number % 2 == 0)
            return operate(u64{number});
        if (const u64 changes = changes_seen_while_pinned(); changes != 0)
            seen.fetch_add(changes);
    });
    return seen.load();
}

PERCIVAL_TEST(hazard_owner, a_write_never_reaches_a_pinned_threads_copy)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    EXPECT_EQ(changes_seen([](u64 number) { word.write(number); }), 0u);
    EXPECT_EQ(changes_seen([](u64 number) { this_cpu<word>.write(number); }), 0u);
}

PERCIVAL_TEST(hazard_owner, no_atomic_operation_reaches_a_pinned_threads_copy)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    const u64 seen = changes_seen([](u64 number) {
        word.add(1);
        word.xchg(number);
        u64 value = number;
        word.try_cmpxchg(value, number + 1);
        arch::PercpuPair found{};
        while (!pair.try_cmpxchg(found, {found.low + 1, found.high - 1})) {
        }
    });
    EXPECT_EQ(seen, 0u);
}

PERCIVAL_TEST(hazard_owner, an_unprotected_write_reaches_a_pinned_threads_copy)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    clear(word);
    u64 before = 0, after = 0;
    write_from_elsewhere(
        word, [](u64& copy) { __atomic_store_n(&copy, 1, __ATOMIC_RELAXED); },
        [&](const PreemptGuard&) { before = word.read(); },
        [&](const PreemptGuard&) { after = word.read(); });
    EXPECT_EQ(before, 0u);
    EXPECT_EQ(after, 1u);
}

} // namespace
} // namespace percival

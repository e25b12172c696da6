// SPDX-License-Identifier: BSD-2-Clause
// Hazard (d): a compare-exchange loop reads one CPU's copy and compares with another CPU's copy. The loop
// never ends, or it succeeds against the wrong copy. In every mode each try works on the copy of the CPU on
// which it runs. So the loop retries only if the thread was moved or another thread came between, and the
// value that it writes belongs to that copy.
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/moved_threads.hpp"

namespace percival {
namespace {

// The high bits of a copy hold its CPU's number, and the low bits a count. If a copy holds another CPU's
// number, a thread on another CPU wrote it.
constexpr u32 kCountBits = 48;
PERCIVAL_PERCPU PerCpu<u64> tagged{};

u64 first_of(CpuId cpu)
{
    return u64{cpu.index() + 1} << kCountBits;
}

u64 count_in(u64 value)
{
    return value & ((u64{1} << kCountBits) - 1);
}

void start()
{
    for_each_online_cpu([](CpuId cpu) { tagged.on(cpu) = first_of(cpu); });
}

u64 wrong_copies()
{
    u64 wrong = 0;
    for_each_online_cpu(
        [&wrong](CpuId cpu) { wrong += tagged.on(cpu) - count_in(tagged.on(cpu)) != first_of(cpu); });
    return wrong;
}

constexpr u64 kOperations = 100'000;
constexpr u64 kMoves = 120;

PERCIVAL_TEST(hazard_exchange, a_compare_exchange_loop_ends_and_changes_its_own_copy)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    start();
    std::atomic<u64> retries{0};
    const u64 made = while_moved(kOperations, kMoves, [&retries](u32) {
        u64 value = tagged.read();
        while (!tagged.try_cmpxchg(value, value + 1))
            retries.fetch_add(1, std::memory_order_relaxed);
    });
    u64 counted = 0;
    for_each_online_cpu([&counted](CpuId cpu) { counted += count_in(tagged.on(cpu)); });
    EXPECT_EQ(counted, made);
    EXPECT_EQ(wrong_copies(), 0u);
    EXPECT(retries.load() < made);
}

// Runs the loop of a thread that reads the first CPU's copy and compares with the next CPU's, at most
// `max_tries` times. Returns how often it tried.
u64 tries_of_unprotected_loop(u64 max_tries)
{
    go_to(kBootCpu);
    u64& read_from = unprotected(tagged);
    move_on();
    u64& compared_with = unprotected(tagged);
    u64 tries = 0;
    for (bool succeeded = false; !succeeded && tries < max_tries; ++tries) {
        u64 value = __atomic_load_n(&read_from, __ATOMIC_RELAXED);
        succeeded = __atomic_compare_exchange_n(&compared_with, &value, value + 1, false, __ATOMIC_RELAXED,
                                                __ATOMIC_RELAXED);
    }
    return tries;
}

constexpr u64 kMaxTries = 10'000;

PERCIVAL_TEST(hazard_exchange, an_unprotected_compare_exchange_loop_never_ends)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    start();
    in_a_thread_that_may_move([] { EXPECT_EQ(tries_of_unprotected_loop(kMaxTries), kMaxTries); });
}

PERCIVAL_TEST(hazard_exchange, an_unprotected_compare_exchange_succeeds_against_the_wrong_copy)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    start();
    tagged.on(cpu_after(kBootCpu)) = tagged.on(kBootCpu); // the two copies happen to be equal
    in_a_thread_that_may_move([] {
        go_to(kBootCpu);
        u64 value = __atomic_load_n(&unprotected(tagged), __ATOMIC_RELAXED);
        move_on();
        EXPECT(__atomic_compare_exchange_n(&unprotected(tagged), &value, first_of(kBootCpu) + 1, false,
                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    });
    EXPECT(wrong_copies() > 0);
}

} // namespace
} // namespace percival

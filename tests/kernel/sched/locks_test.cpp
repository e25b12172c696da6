// SPDX-License-Identifier: BSD-2-Clause
// Tests locks that threads wait for: exclusion, the order of readers and writers, no lost wake-ups.
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sync/seqlock.hpp"
#include "kernel/wait/mutex.hpp"
#include "kernel/wait/rw_lock_guards.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {
namespace {

constexpr u32 kThreads = 12;
constexpr u32 kRounds = 300;

// Changes two words in separate steps; they stay consistent only under exclusion.
struct Pair {
    u64 left{0};
    u64 right{0};
    void advance()
    {
        const u64 next = left + 1;
        left = next;
        for (u32 i = 0; i < 10; ++i)
            asm volatile("");
        right = next;
    }
    bool is_whole() const { return left == right; }
};

PERCIVAL_TEST(locks, a_spin_lock_excludes_preempted_threads)
{
    SpinLock lock;
    Pair pair;
    auto body = [&](u32) {
        for (u32 round = 0; round < kRounds; ++round) {
            const SpinGuard guard{lock};
            EXPECT(pair.is_whole());
            pair.advance();
        }
    };
    ThreadGroup group{kThreads, body};
    group.join_all();
    EXPECT_EQ(pair.left, u64{kThreads} * kRounds);
}

PERCIVAL_TEST(locks, a_mutex_excludes_holders_that_sleep_and_migrate)
{
    Mutex mutex;
    Pair pair;
    auto body = [&](u32 number) {
        for (u32 round = 0; round < kRounds / 3; ++round) {
            const MutexGuard guard{mutex};
            EXPECT(mutex.is_held_by_caller());
            EXPECT(pair.is_whole());
            pair.left += 1;
            if (round % 16 == number)
                sleep_for_nanoseconds(100'000);
            else if (round % 4 == 0)
                EXPECT(migrate_to(nth_online_cpu(number + round)));
            pair.right += 1;
        }
    };
    ThreadGroup group{kThreads, body};
    group.join_all();
    EXPECT_EQ(pair.left, u64{kThreads} * (kRounds / 3));
}

PERCIVAL_TEST(locks, try_lock_fails_while_another_thread_holds_the_mutex)
{
    Mutex mutex;
    auto body = [&](u32) {
        const bool taken = mutex.try_lock();
        EXPECT(!taken);
        if (taken)
            mutex.unlock();
    };
    {
        const MutexGuard guard{mutex};
        ThreadGroup group{2, body};
    }
    const bool taken = mutex.try_lock();
    EXPECT(taken);
    if (taken)
        mutex.unlock();
}

PERCIVAL_TEST(locks, readers_share_and_a_writer_excludes_all)
{
    RwLock lock;
    Pair pair;
    std::atomic<u32> readers{0};
    auto body = [&](u32 number) {
        for (u32 round = 0; round < 60; ++round) {
            if (number % 4 == 0) {
                const WriteGuard guard{lock};
                EXPECT_EQ(readers.load(), 0u);
                EXPECT(pair.is_whole());
                pair.left += 1;
                yield();
                pair.right += 1;
            } else {
                const ReadGuard guard{lock};
                readers.fetch_add(1);
                EXPECT(pair.is_whole());
                yield();
                readers.fetch_sub(1);
            }
        }
    };
    ThreadGroup group{kThreads, body};
    group.join_all();
    EXPECT_EQ(pair.left, 60u * (kThreads / 4));
}

// Threads that preempt the tests' thread, on its CPU. When the constructor of their ThreadGroup returns, they
// have ended or they wait for a lock.
ThreadOptions at_once(u32)
{
    return on_cpu(kBootCpu, Priority::High);
}

PERCIVAL_TEST(locks, a_reader_joins_a_reader_and_waits_for_a_writer)
{
    RwLock lock;
    std::atomic<bool> has_read{false};
    auto read = [&](u32) {
        const ReadGuard guard{lock};
        has_read.store(true);
    };
    {
        const ReadGuard guard{lock};
        ThreadGroup group{1, read, &at_once};
        EXPECT(has_read.load());
    }
    has_read.store(false);
    lock.lock();
    ThreadGroup group{1, read, &at_once};
    EXPECT(!has_read.load());
    lock.unlock();
    EXPECT(has_read.load());
}

PERCIVAL_TEST(locks, a_writer_waits_for_readers_and_readers_that_come_later_wait_for_it)
{
    RwLock lock;
    std::atomic<u32> turn{0};
    u32 written_at = 0, read_at = 0;
    auto write = [&](u32) {
        const WriteGuard guard{lock};
        written_at = ++turn;
    };
    auto read = [&](u32) {
        const ReadGuard guard{lock};
        read_at = ++turn;
    };
    lock.lock_shared();
    ThreadGroup writer{1, write, &at_once};
    ThreadGroup reader{1, read, &at_once};
    EXPECT_EQ(turn.load(), 0u);
    lock.unlock_shared();
    EXPECT_EQ(turn.load(), 2u);
    EXPECT_EQ(written_at, 1u);
    EXPECT_EQ(read_at, 2u);
}

PERCIVAL_TEST(locks, a_waiting_writer_is_not_starved_by_readers)
{
    RwLock lock;
    std::atomic<bool> written{false};
    auto read = [&](u32) {
        while (!written.load()) {
            const ReadGuard guard{lock};
            sleep_for_nanoseconds(200'000); // makes the readers overlap
        }
    };
    auto write = [&](u32) {
        const WriteGuard guard{lock};
        written.store(true);
    };
    ThreadGroup readers{4, read};
    sleep_for_nanoseconds(2'000'000);
    ThreadGroup writer{1, write};
}

PERCIVAL_TEST(locks, a_seqlock_reader_never_sees_half_a_change)
{
    Seqlock<Pair> lock;
    std::atomic<bool> over{false};
    const u32 count = std::min(2 * online_cpu_count(), 8u);
    auto body = [&](u32 number) {
        if (number == 0) {
            for (u32 round = 0; round < 20'000; ++round)
                lock.write([](Pair& pair) { pair.advance(); });
            over.store(true);
        }
        u64 last = 0;
        while (!over.load()) {
            const Pair pair = lock.read();
            EXPECT(pair.is_whole());
            EXPECT(pair.left >= last);
            last = pair.left;
        }
    };
    ThreadGroup group{count, body};
    group.join_all();
    EXPECT_EQ(lock.read().left, 20'000u);
}

PERCIVAL_TEST(locks, a_completion_releases_present_and_later_waiters)
{
    Completion completion;
    std::atomic<u32> through{0};
    auto body = [&](u32) {
        completion.wait();
        through.fetch_add(1);
    };
    ThreadGroup early{kThreads, body, &at_once};
    EXPECT_EQ(through.load(), 0u);
    completion.complete();
    early.join_all();
    ThreadGroup late{2, body};
    late.join_all();
    EXPECT_EQ(through.load(), kThreads + 2);
}

// Two threads hand a token back and forth: after one lost wake-up the test hangs.
void hand_over(u32 hands, const CpuSet& cpus)
{
    WaitQueue queues[2];
    std::atomic<u32> turn{0};
    auto body = [&](u32 number) {
        for (u32 hand = 0; hand < hands; ++hand) {
            queues[number].wait_until([&] { return turn.load() % 2 == number; });
            turn.fetch_add(1);
            queues[1 - number].wake_one();
        }
    };
    ThreadGroup group{2, body, [&](u32) { return ThreadOptions{.affinity = cpus}; }};
    group.join_all();
    EXPECT_EQ(turn.load(), 2 * hands);
}

PERCIVAL_TEST(locks, no_wake_up_is_lost_between_threads_of_one_cpu)
{
    hand_over(2000, CpuSet::only(kBootCpu));
}

// Fewer rounds, because an emulator on a busy host takes milliseconds to wake a CPU.
PERCIVAL_TEST(locks, no_wake_up_is_lost_between_cpus)
{
    hand_over(50, CpuSet::all());
}

} // namespace
} // namespace percival

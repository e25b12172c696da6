// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sync/spinlock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace percival {
namespace {

// One lock whose waiters queue at once, and one whose waiters never queue within a test, so that both paths
// run.
template <class Lock>
class SpinLockTest : public testing::Test {};
using Locks = testing::Types<BasicSpinLock<0>, BasicSpinLock<2>, SpinLock>;
TYPED_TEST_SUITE(SpinLockTest, Locks);

TYPED_TEST(SpinLockTest, ExcludesThreadsFromEachOther)
{
    constexpr unsigned kThreads = 6;
    constexpr unsigned kRounds = 20'000;
    TypeParam lock;
    u64 plain_counter = 0;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (unsigned i = 0; i < kRounds; ++i) {
                const SpinGuard guard{lock};
                plain_counter = plain_counter + 1;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(plain_counter, u64{kThreads} * kRounds);
}

// Deterministic, unlike the test above: the waiter has polled so often that it would have taken a lock that
// does not exclude.
TYPED_TEST(SpinLockTest, AHeldLockIsWaitedFor)
{
    constexpr unsigned kLooks = 100;
    TypeParam lock;
    std::atomic<unsigned> looks{0};
    std::atomic<bool> taken{false};
    std::thread waiter;
    {
        const SpinGuard guard{lock};
        waiter = std::thread{[&] {
            arch::on_relax = [&looks] { ++looks; };
            const SpinGuard own{lock};
            taken = true;
        }};
        while (looks < kLooks && !taken)
            std::this_thread::yield();
        EXPECT_FALSE(taken);
    }
    waiter.join();
    EXPECT_TRUE(taken);
}

template <class Lock>
bool is_free(Lock& lock)
{
    if (!lock.try_lock())
        return false;
    lock.unlock();
    return true;
}

TYPED_TEST(SpinLockTest, TryLockFailsWhileHeldAndWorksAfterwards)
{
    TypeParam lock;
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(is_free(lock));
        const SpinGuard guard{lock};
        EXPECT_FALSE(is_free(lock));
    }
    EXPECT_TRUE(is_free(lock));
}

TYPED_TEST(SpinLockTest, TryLockAndLockExcludeEachOther)
{
    TypeParam lock;
    u64 plain_counter = 0;
    u64 tried = 0;
    std::thread trier{[&] {
        for (int i = 0; i < 50'000; ++i) {
            if (lock.try_lock()) {
                plain_counter = plain_counter + 1;
                ++tried;
                lock.unlock();
            }
        }
    }};
    for (int i = 0; i < 50'000; ++i) {
        const SpinGuard guard{lock};
        plain_counter = plain_counter + 1;
    }
    trier.join();
    EXPECT_EQ(plain_counter, 50'000 + tried);
}

TEST(SpinLockQueueTest, NoCpuOvertakesAQueuedWaiter)
{
    BasicSpinLock<0> lock; // lock() queues at once
    std::atomic<bool> queued{false};
    std::atomic<bool> may_go_on{false};
    std::thread waiter;
    {
        const SpinGuard guard{lock};
        waiter = std::thread{[&] {
            arch::on_relax = [&] {
                queued = true;
                while (!may_go_on)
                    std::this_thread::yield();
            };
            const SpinGuard waiting{lock};
        }};
        while (!queued)
            std::this_thread::yield();
    }
    EXPECT_FALSE(is_free(lock)); // no CPU holds it, but it is reserved for the waiter
    may_go_on = true;
    waiter.join();
    EXPECT_TRUE(is_free(lock));
}

TEST(SpinGuardTest, IrqSpinGuardMasksInterruptsFromBeforeTheLockUntilAfterTheUnlock)
{
    struct Probe {
        void lock() { masked_at_lock = arch::interrupts_masked(); }
        void unlock() { masked_at_unlock = arch::interrupts_masked(); }
        bool masked_at_lock{false};
        bool masked_at_unlock{false};
    } probe;
    EXPECT_FALSE(arch::interrupts_masked());
    {
        const IrqSpinGuard guard{probe};
        EXPECT_TRUE(arch::interrupts_masked());
    }
    EXPECT_TRUE(probe.masked_at_lock);
    EXPECT_TRUE(probe.masked_at_unlock);
    EXPECT_FALSE(arch::interrupts_masked());
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// kernel/sync/spinlock.hpp with weakly ordered memory.
#include "kernel/sync/spinlock.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

// Waiters join the queue after `Patience` looks.
template <u32 Cpus, u32 Patience>
struct Counting {
    static constexpr u32 kCpus = Cpus;
    BasicSpinLock<Patience> lock;
    u32 first{0};
    u32 second{0};
    bool torn{false};

    void run(u32)
    {
        const IrqSpinGuard guard{lock};
        if (first != second)
            torn = true;
        ++first;
        ++second;
    }
    std::string verdict() const
    {
        if (torn)
            return "a holder sees half of what the one before it did";
        return first == kCpus && second == kCpus ? "" : "two CPUs held the lock at the same time";
    }
};

TEST(SpinLockOrder, AHolderSeesWhatTheOneBeforeItDid)
{
    EXPECT_EQ((judge<Counting<2, 4>>({"kernel/sync/spinlock.hpp"})), "");
}

TEST(SpinLockOrder, SoDoesAHolderThatComesFromTheQueue)
{
    EXPECT_EQ((order_explorer().explore<Counting<2, 0>>().failure), "");
    EXPECT_EQ((order_explorer().explore_at_random<Counting<3, 0>>(1, 300).failure), "");
}

// A lock whose holder is known to be gone: the next one takes it without waiting.
struct Trying {
    static constexpr u32 kCpus = 2;
    SpinLock lock;
    u32 value{0};
    u32 seen{0};

    void run(u32 cpu)
    {
        if (cpu == 0) {
            const IrqSpinGuard guard{lock};
            value = 1;
            value = 2;
        } else if (lock.try_lock()) {
            seen = value;
            lock.unlock();
        }
    }
    std::string verdict() const { return seen == 1 ? "try_lock() took a lock that is held" : ""; }
};

TEST(SpinLockOrder, TryLockTakesNoLockThatIsHeld)
{
    EXPECT_EQ(order_explorer().explore<Trying>().failure, "");
}

} // namespace
} // namespace percival::testing

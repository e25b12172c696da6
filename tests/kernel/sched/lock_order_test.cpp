// SPDX-License-Identifier: BSD-2-Clause
// Tests the lock-order check of debug builds on real locks. Each test has lock classes of its own, because
// recorded orders are permanent.
#include "kernel/lib/symbols.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/inversion_trap.hpp"
#include "kernel/sync/lock_order.hpp"
#include "kernel/wait/mutex.hpp"

namespace percival {
namespace {

template <class First, class Second>
[[gnu::noinline]] void take_both(First& first, Second& second) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    first.lock();
    second.lock();
    second.unlock();
    first.unlock();
}

PERCIVAL_TEST(lock_order, contradicting_orders_are_found_without_a_deadlock)
{
    if (!kLockOrderIsChecked)
        SKIP("the check is in debug builds");
    Mutex a;
    Mutex b;
    const InversionTrap trap;
    take_both(a, b);
    take_both(a, b);
    EXPECT(!trap.caught());
    take_both(b, a);
    ASSERT(trap.caught().has_value());
    const LockInversion& inversion = *trap.caught();
    EXPECT_EQ(inversion.now.held, inversion.earlier.wanted);
    EXPECT_EQ(inversion.now.wanted, inversion.earlier.held);
    // There are four call sites, each in code that has a symbol.
    for (VirtAddr site : {inversion.now.held_at, inversion.now.wanted_at, inversion.earlier.held_at,
                          inversion.earlier.wanted_at})
        EXPECT(find_symbol(site).has_value());
}

PERCIVAL_TEST(lock_order, different_kinds_of_locks_are_checked_together)
{
    if (!kLockOrderIsChecked)
        SKIP("the check is in debug builds");
    SpinLock a;
    SpinLock b;
    SpinLock c;
    const InversionTrap trap;
    const PreemptGuard pin;
    take_both(a, b);
    take_both(b, c);
    EXPECT(!trap.caught());
    take_both(c, a);
    EXPECT(trap.caught().has_value());
}

template <class Outer, class Middle, class Inner>
[[gnu::noinline]] void take_all(Outer& outer, Middle& middle, Inner& inner) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    outer.lock();
    middle.lock();
    inner.lock();
    inner.unlock();
    middle.unlock();
    outer.unlock();
}

PERCIVAL_TEST(lock_order, a_lock_is_checked_against_all_that_are_held)
{
    if (!kLockOrderIsChecked)
        SKIP("the check is in debug builds");
    Mutex a;
    Mutex b;
    Mutex c;
    Mutex d;
    Mutex e;
    Mutex f;
    take_all(a, b, c);
    take_all(d, e, f);
    {
        const InversionTrap trap;
        take_both(c, b);
        EXPECT(trap.caught().has_value());
    }
    {
        const InversionTrap trap;
        take_both(f, d);
        EXPECT(trap.caught().has_value());
    }
}

PERCIVAL_TEST(lock_order, nested_locks_of_one_class_are_found)
{
    if (!kLockOrderIsChecked)
        SKIP("the check is in debug builds");
    std::array<SpinLock, 2> locks;
    const InversionTrap trap;
    const PreemptGuard pin;
    take_both(locks[0], locks[1]);
    EXPECT(trap.caught().has_value());
}

} // namespace
} // namespace percival

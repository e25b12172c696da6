// SPDX-License-Identifier: BSD-2-Clause
// The count that keeps a thread on its CPU.
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/sync/spinlock.hpp"
#include "kernel/wait/run_everywhere.hpp"

namespace percival {
namespace {

PERCIVAL_TEST(preemption, guards_nest_and_leave_the_count_as_it_was)
{
    run_everywhere([](CpuId) {
        const u32 before = preemption().count;
        {
            const PreemptGuard outer;
            const PreemptGuard inner;
            EXPECT_EQ(preemption().count, before + 2);
        }
        EXPECT_EQ(preemption().count, before);
    });
}

PERCIVAL_TEST(preemption, the_holder_of_a_spin_lock_stays_and_a_masked_one_needs_no_count)
{
    SpinLock lock;
    const u32 before = preemption().count;
    {
        const SpinGuard guard{lock};
        EXPECT_EQ(preemption().count, before + 1);
    }
    {
        const IrqSpinGuard guard{lock};
        EXPECT_EQ(preemption().count, before);
    }
    EXPECT_EQ(preemption().count, before);
}

} // namespace
} // namespace percival

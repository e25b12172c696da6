// SPDX-License-Identifier: BSD-2-Clause
// Tests the preemption count, which keeps a thread on its CPU.
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/sync/spinlock.hpp"
#include "kernel/wait/run_everywhere.hpp"

namespace percival {
namespace {

PERCIVAL_TEST(preemption, nested_guards_restore_the_count)
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

PERCIVAL_TEST(preemption, a_spin_lock_raises_the_count_only_with_interrupts_unmasked)
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

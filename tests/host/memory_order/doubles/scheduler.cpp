// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of what the scheduler does for code above it: each CPU runs one thread, which blocks
// by waiting. As in the scheduler, wake() happens before the return of the block() that it ends.
#include "kernel/lib/assert.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "memory_order/support/order_explorer.hpp"

namespace percival {

void block()
{
    const std::atomic_ref pending{current_thread().wake_pending};
    while (!pending.load(std::memory_order_acquire))
        arch::relax();
    pending.store(false, std::memory_order_relaxed);
}

void wake(Thread& thread)
{
    std::atomic_ref{thread.wake_pending}.store(true, std::memory_order_release);
}

// Nothing else is ready to run.
void switch_if_due() {}

void assertion_failed(const char* expression, std::source_location)
{
    testing::order_explorer().fail(expression);
}

} // namespace percival

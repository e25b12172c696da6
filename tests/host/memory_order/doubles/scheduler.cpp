// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of what the scheduler and the entry of interrupts do for code above them: each CPU
// runs one thread, which blocks by waiting. As in the scheduler, wake() happens before the return of the
// block() that it ends.
#include "interrupts.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "memory_order/support/order_explorer.hpp"
#include "mm/percpu/area.hpp"

namespace percival {
namespace {

// The only other thread is the idle thread. Interrupts masked.
void switch_away_and_back()
{
    preemption().due = 0;
    if (testing::switch_handler != nullptr)
        testing::switch_handler();
}

template <arch::Ipi kIpi>
void take_ipi()
{
    preemption().count += kInterruptCount;
    if (kIpi == arch::Ipi::Reschedule)
        preemption().due = 1;
    else
        testing::ipi_handlers[static_cast<u8>(kIpi)]();
    preemption().count -= kInterruptCount;
    if (preemption().count == 0 && preemption().due != 0)
        switch_away_and_back();
}

constexpr std::array<testing::Handler, 5> kTakeIpi{
    &take_ipi<arch::Ipi::Call>, &take_ipi<arch::Ipi::Backtrace>, &take_ipi<arch::Ipi::Stop>,
    &take_ipi<arch::Ipi::Reschedule>, &take_ipi<arch::Ipi::Quiesce>};

} // namespace

void arch::send_ipi(CpuId target, Ipi ipi)
{
    testing::order_explorer().interrupt(target.index(), kTakeIpi[static_cast<u8>(ipi)],
                                        __builtin_return_address(0));
}

void block()
{
    {
        const arch::InterruptMask masked;
        switch_away_and_back();
    }
    const std::atomic_ref pending{current_thread().wake_pending};
    while (!pending.load(std::memory_order_acquire))
        arch::relax();
    pending.store(false, std::memory_order_relaxed);
}

void wake(Thread& thread)
{
    std::atomic_ref{thread.wake_pending}.store(true, std::memory_order_release);
}

void switch_if_due()
{
    if (preemption().count != 0)
        return;
    if (arch::interrupts_masked())
        return arch::send_ipi(this_cpu_id(), arch::Ipi::Reschedule);
    const arch::InterruptMask masked;
    switch_away_and_back();
}

void assertion_failed(const char* expression, std::source_location)
{
    testing::order_explorer().fail(expression);
}

} // namespace percival

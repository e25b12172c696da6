// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/preemption.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

void request_switch(CpuId cpu)
{
    const PreemptGuard pin;
    if (cpu == this_cpu_id())
        preemption().due = 1;
    else
        arch::send_ipi(cpu, arch::Ipi::Reschedule);
}

void make_switch_due()
{
    preemption().due = 1;
}

void scheduler_tick()
{
    Thread& running = current_thread();
    if (is_idle_thread(running))
        return;
    const CpuId self = this_cpu_id();
    push_on_tick(self);
    // The thread runs here only because all CPUs of its affinity were offline, and one of them is back.
    if (!may_run_on(running, self))
        running.due = 1;
    if (running.slice != 0)
        --running.slice;
    if (running.slice != 0)
        return;
    if (run_queues.on(self).waiting() != 0)
        running.due = 1;
    else
        running.slice = kSliceTicks;
}

void switch_at_interrupt_return()
{
    const Preemption& own = preemption();
    if (own.count == 0 && own.due != 0) {
        switch_threads(Leave::Preempted);
        // The thread that switched back may have done so with SError unmasked.
        arch::mask_all_exceptions();
    }
}

void switch_if_due()
{
    if (preemption().count != 0)
        return; // enable_preemption() calls again when the count reaches 0
    if (arch::interrupts_masked()) {
        // This interrupt is taken, and performs the switch, as soon as interrupts are unmasked.
        arch::send_ipi(this_cpu_id(), arch::Ipi::Reschedule);
        return;
    }
    const arch::InterruptMask masked;
    if (preemption().due != 0)
        switch_threads(Leave::Preempted);
}

} // namespace percival

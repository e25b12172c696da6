// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/interrupts/interrupts.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/backtrace_request.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> unexpected_interrupts{};

void report_unexpected(u32 intid)
{
    if (unexpected_interrupts.add_return(1) == 1)
        print("cpu{}: unexpected interrupt {}", this_cpu_id(), intid);
}

} // namespace

void dispatch_ipi(arch::Ipi ipi, const arch::Registers& interrupted)
{
    switch (ipi) {
    case arch::Ipi::Call:
        return run_queued_calls();
    case arch::Ipi::Backtrace:
        return answer_backtrace_request(interrupted);
    case arch::Ipi::Stop:
        arch::stop();
    case arch::Ipi::Reschedule:
        return make_switch_due();
    case arch::Ipi::Quiesce:
        return rcu::report_or_ask();
    }
    report_unexpected(static_cast<u32>(ipi));
}

void dispatch_interrupt(u32 intid)
{
    if (intid != arch::timer_interrupt())
        report_unexpected(intid);
    // A line that falls late, after an alarm was set anew, is no alarm.
    else if (arch::timer_rings())
        handle_tick();
}

} // namespace percival

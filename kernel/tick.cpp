// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/tick.hpp"

#include "arch/interrupt_controller.hpp"
#include "arch/processor.hpp"
#include "arch/timer.hpp"
#include "kernel/selftest_runner.hpp"
#include "mm/percpu.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> ticks{};
PERCIVAL_PERCPU PerCpu<AlarmHandler> alarm_handler{};

void arm()
{
    arch::timer_set_alarm(arch::timer_frequency() / kTicksPerSecond);
}

} // namespace

void start_tick()
{
    arch::enable_private_interrupt(arch::timer_interrupt());
    arm();
}

void handle_tick()
{
    ticks.inc();
    selftest_check_deadline();
    if (const AlarmHandler handler = alarm_handler.read()) {
        arch::timer_cancel_alarm();
        handler();
    } else {
        arm();
    }
}

u64 tick_count(CpuId cpu)
{
    return __atomic_load_n(&ticks.on(cpu), __ATOMIC_RELAXED);
}

void take_over_alarm(AlarmHandler handler)
{
    arch::InterruptMask masked; // no alarm between the old handler and the new one
    arch::timer_cancel_alarm();
    alarm_handler.write(handler);
    if (handler == nullptr)
        arm();
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/hotplug.hpp"

#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/patience.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "kernel/wait/cpus_stay.hpp"
#include "kernel/wait/rw_lock_guards.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/roots/check.hpp"

#include <atomic>

namespace percival {
namespace {

using Result = std::expected<void, CpuError>;

// Set when the CPU has to leave as soon as it is idle.
PERCIVAL_PERCPU PerCpu<bool> must_leave{};

// How long a CPU may take to come, or to go off.
constexpr u32 kPatienceSeconds = 20;

// The pause between two looks at the state of another CPU.
constexpr u64 kPollNanoseconds = 200'000;

// Sleeps until `done()` is true. Returns false if that takes longer than patient_seconds() of `seconds`.
template <class Done>
bool wait_until(Done done, u32 seconds)
{
    const u64 deadline =
        arch::timer_ticks() + patient_seconds(seconds, possible_cpu_count()) * arch::timer_frequency();
    while (!done()) {
        if (arch::timer_ticks() > deadline)
            return false;
        sleep_for_nanoseconds(kPollNanoseconds);
    }
    return true;
}

Result check_can_go_offline(CpuId cpu)
{
    if (cpu.index() >= possible_cpu_count() || !is_online(cpu))
        return std::unexpected{"the CPU is not online"};
    if (online_cpu_count() == 1)
        return std::unexpected{"it is the last CPU"};
    if (!arch::can_turn_off(cpu))
        return std::unexpected{"the firmware cannot turn this CPU off and on again"};
    return {};
}

// Moves the threads off `cpu`, then takes it out of the set of online CPUs, then moves its timers. All the
// while, and until it calls leave(), the CPU answers calls and takes its timer interrupts.
void empty_cpu(CpuId cpu)
{
    deactivate_cpu(cpu);
    while (!has_no_threads(cpu))
        sleep_for_nanoseconds(kPollNanoseconds);
    set_offline(cpu);
    rcu::synchronize(); // INV-hotplug-1: no CPU with preemption off still takes it for online
    Timer::move_from(cpu);
}

// Frees what this CPU keeps in stock and turns it off. In the idle thread, interrupts masked.
[[noreturn]] void leave()
{
    stop_tick();
    run_queued_calls();
    percpu::drain_stocks();
    mm::drain_object_stock();
    mm::drain_page_cache();
    arch::interrupt_controller_leave_cpu();
    say_goodbye();
    arch::turn_off_this_cpu();
}

} // namespace

void leave_if_asked(CpuId self)
{
    if (this_cpu<must_leave>.read() && has_no_threads(self))
        leave();
}

Result take_cpu_offline(CpuId cpu)
{
    const WriteGuard guard{cpus_change};
    if (const auto possible = check_can_go_offline(cpu); !possible)
        return possible;
    empty_cpu(cpu);
    std::atomic_ref{must_leave.on(cpu)}.store(true, std::memory_order_release);
    request_switch(cpu);
    // Without a limit: until it says goodbye the CPU executes this_cpu sites, but stop_machine() does not ask
    // it any more (INV-stop_machine-1). What it does until then is bounded.
    while (!has_said_goodbye(cpu))
        sleep_for_nanoseconds(kPollNanoseconds);
    if (!wait_until([cpu] { return arch::is_off(cpu); }, kPatienceSeconds))
        return std::unexpected{"the CPU is offline, but the firmware has not turned it off"};
    return {};
}

Result await_cpu(CpuId cpu, u32 seconds)
{
    if (!wait_until([cpu] { return !is_coming(cpu); }, seconds) && !leave_out(cpu))
        while (is_coming(cpu)) // it has arrived, and its set-up is bounded
            sleep_for_nanoseconds(kPollNanoseconds);
    if (const auto lacking = lacking_features(cpu); !lacking.is_empty())
        return std::unexpected{CpuError{lacking}};
    if (!is_online(cpu))
        return std::unexpected{"the CPU did not come up"};
    while (!active_cpus().contains(cpu)) // online, it joins the scheduler next
        sleep_for_nanoseconds(kPollNanoseconds);
    return {};
}

Result bring_cpu_online(CpuId cpu)
{
    const WriteGuard guard{cpus_change};
    if (cpu.index() >= possible_cpu_count() || !can_start_again(cpu))
        return std::unexpected{"the CPU is not off, or must stay out"};
    if (has_said_goodbye(cpu) && !arch::is_off(cpu))
        return std::unexpected{"the CPU has not gone off"};
    must_leave.on(cpu) = false;
    // The CPU walks its root from the first instruction with the MMU on. While it was off, its root must not
    // have been changed unless all other roots were changed in the same way.
    PERCIVAL_ASSERT(mm::root_agrees_with_master(cpu));
    reset_idle_thread(cpu);
    set_starting(cpu);
    if (const auto started = start_cpu(cpu); !started)
        return std::unexpected{started.error()};
    return await_cpu(cpu, kPatienceSeconds);
}

} // namespace percival

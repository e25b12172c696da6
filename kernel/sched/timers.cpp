// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/timers.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/tick_conversion.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {

struct TimerQueue {
    SpinLock lock;
    List<Timer> timers PERCIVAL_GUARDED_BY(lock){};
    // A timer that is off the list but still in use: its function runs, or it is moving to another CPU.
    Timer* ringing PERCIVAL_GUARDED_BY(lock){nullptr};

    void insert(Timer& timer) PERCIVAL_REQUIRES(lock)
    {
        Timer* position = timers.front();
        while (position != nullptr && position->when_ <= timer.when_)
            position = List<Timer>::next(*position);
        timers.insert_before(position, timer);
    }
};

namespace {

PERCIVAL_PERCPU_INITIALIZED PerCpu<TimerQueue> timer_queues{};

} // namespace

void Timer::start(u64 nanoseconds)
{
    const arch::InterruptMask masked;
    const CpuId self = this_cpu_id();
    TimerQueue& queue = timer_queues.on(self);
    when_ =
        arch::timer_ticks() + nanoseconds_to_ticks(nanoseconds, static_cast<u32>(arch::timer_frequency()));
    {
        const PinnedSpinGuard guard{queue.lock, Pin{masked}};
        cpu_.store(self.index(), std::memory_order_relaxed);
        queue.insert(*this);
    }
    program_alarm();
}

bool Timer::cancel()
{
    for (bool stopped = false;; arch::relax()) {
        const CpuId cpu{cpu_.load(std::memory_order_relaxed)};
        TimerQueue& queue = timer_queues.on(cpu);
        const IrqSpinGuard guard{queue.lock};
        if (cpu_.load(std::memory_order_relaxed) != cpu.index())
            continue; // its CPU went offline, and it moved to another queue
        if (is_linked()) {
            queue.timers.remove(*this);
            stopped = true;
        }
        if (queue.ringing != this)
            return stopped;
    }
}

void Timer::run_due(u64 now)
{
    TimerQueue& queue = timer_queues.on(this_cpu_id());
    for (;;) {
        void (*function)(void*);
        void* argument;
        {
            const IrqSpinGuard guard{queue.lock};
            Timer* const timer = queue.timers.front();
            if (timer == nullptr || timer->when_ > now)
                return;
            queue.timers.remove(*timer);
            queue.ringing = timer;
            function = timer->function_;
            argument = timer->argument_;
        }
        function(argument);
        const IrqSpinGuard guard{queue.lock};
        queue.ringing = nullptr;
    }
}

u64 Timer::first_time()
{
    TimerQueue& queue = timer_queues.on(this_cpu_id());
    const IrqSpinGuard guard{queue.lock};
    Timer* const timer = queue.timers.front();
    return timer == nullptr ? ~u64{0} : timer->when_;
}

// Moves one timer at a time, so that no two queues are ever locked at once.
void Timer::move_from(CpuId cpu)
{
    TimerQueue& source = timer_queues.on(cpu);
    for (;;) {
        const arch::InterruptMask masked;
        const Pin pin{masked};
        const CpuId self = this_cpu_id();
        TimerQueue& target = timer_queues.on(self);
        Timer* timer;
        {
            const PinnedSpinGuard guard{source.lock, pin};
            timer = source.timers.pop_front();
            if (timer == nullptr)
                break;
            source.ringing = timer; // makes a cancel() meanwhile wait (INV-timers-2)
        }
        {
            const PinnedSpinGuard guard{target.lock, pin};
            timer->cpu_.store(self.index(), std::memory_order_relaxed);
            target.insert(*timer);
        }
        const PinnedSpinGuard guard{source.lock, pin};
        source.ringing = nullptr;
    }
    const arch::InterruptMask masked;
    program_alarm();
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Timers: a timer calls a function once, in the timer interrupt, when its time has come. Any context may
// start and cancel one. It rings on the CPU that started it, or on another if that CPU has gone offline.
// Timers of the same time ring in any order.
//
// INV-timers-1: the queue of a CPU is sorted by time, and the alarm of the CPU is set no later than its first
//               timer (kernel/sched/tick.cpp). A CPU that sleeps therefore needs no tick.
// INV-timers-2: once cancel() has returned, no CPU holds a pointer to the timer.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival {

class Timer : public ListLink<>, Immovable {
public:
    constexpr Timer(void (*function)(void*), void* argument) : function_{function}, argument_{argument} {}

    // Starts a timer that is not running, so that it rings in `nanoseconds`. Its function may start it again.
    void start(u64 nanoseconds);
    // Stops the timer. Returns whether that was before it rang. If the function is running on another CPU,
    // cancel() waits for its end, so the function itself must not call it.
    bool cancel();

    // --- For the tick and CPU hotplug

    // Calls the functions of the timers of this CPU whose time has come. In the timer interrupt.
    static void run_due(u64 now);
    // Returns when the first timer of this CPU rings, in ticks of the clock, or the greatest u64 if there is
    // none. Interrupts masked.
    static u64 first_time();
    // Moves the timers of `cpu`, which is not online any more, to the calling CPU. Threads only.
    static void move_from(CpuId cpu);

private:
    friend struct TimerQueue;

    void (*function_)(void*);
    void* argument_;
    u64 when_{0};             // in ticks of the clock
    std::atomic<u32> cpu_{0}; // the CPU whose queue it is on, or was on last
};

} // namespace percival

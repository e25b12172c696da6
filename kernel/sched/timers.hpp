// SPDX-License-Identifier: BSD-2-Clause
// Timers: a function called once, in the timer's interrupt, when a time has come. Any context may start and
// cancel one; it rings on the CPU that started it, or on another if that has gone offline.
//
// INV-timers-1: a CPU's queue is sorted by time; its alarm is set no later than its first timer
//               (kernel/sched/tick.cpp), so a CPU that sleeps needs no tick.
// INV-timers-2: once cancel() returns, nobody has a pointer to the timer.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival {

class Timer : public ListLink<>, Immovable {
public:
    constexpr Timer(void (*function)(void*), void* argument) : function_{function}, argument_{argument} {}

    // Starts a timer that is not running. It may start itself again from its function.
    void start(u64 nanoseconds);
    // Whether it was stopped before it rang. Waits for its function to end where that is running on another
    // CPU; not from the function itself.
    bool cancel();

    // --- For the tick and CPU hotplug

    // Calls the functions of this CPU's timers whose time has come. In the timer's interrupt.
    static void run_due(u64 now);
    // When the first one of this CPU rings; the end of time if there is none. Interrupts masked.
    static u64 first_time();
    // Moves the timers of a CPU that is offline to the calling one.
    static void move_from(CpuId cpu);

private:
    friend struct TimerQueue;

    void (*function_)(void*);
    void* argument_;
    u64 when_{0};             // in ticks of the clock
    std::atomic<u32> cpu_{0}; // whose queue it is on, or was on last
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// During the lifetime of a ForcedMigration, timer interrupts at a high rate preempt the running thread and
// move it to another CPU, between any two instructions. The tick does not run meanwhile, so no thread may
// sleep.
#pragma once

#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/alarm_time.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"

namespace percival {

class ForcedMigration : Immovable {
public:
    static constexpr u64 kInterruptsPerSecond = 5000;

    ForcedMigration() { on_all_cpus(&start); }
    ~ForcedMigration() { on_all_cpus(&stop); }

private:
    static void on_all_cpus(void (*function)())
    {
        for_each_online_cpu([function](CpuId cpu) {
            if (cpu.index() < kInterruptedCpus)
                call_on(cpu, function);
        });
    }
    static void start()
    {
        take_over_alarm(&ring);
        arch::timer_set_alarm(arch::timer_frequency() / kInterruptsPerSecond);
    }
    static void stop() { take_over_alarm(nullptr); }
    static void ring()
    {
        // An alarm is late if the one before took longer than the time between two. The threads would then
        // never run, so the next one comes later by more than that.
        const u64 late = arch::timer_ticks() - time_of_alarm();
        arch::timer_set_alarm(arch::timer_frequency() / kInterruptsPerSecond + 2 * late);
        // Moves the first thread to the next CPU, the following one to the CPU after that, and so on.
        const u32 count = online_cpu_count();
        const u32 step = count == 1 ? 0 : 1 + static_cast<u32>(tick_count(this_cpu_id())) % (count - 1);
        move_interrupted_thread(CpuId{(this_cpu_id().index() + step) % count});
    }
};

// On many more emulated CPUs than the host has, alarms at this rate leave no time for other work. A test that
// uses them runs on at most so many CPUs.
inline constexpr u32 kMaxMovedCpus = 8;

#define SKIP_ABOVE_MAX_MOVED_CPUS()                        \
    do {                                                   \
        if (online_cpu_count() > kMaxMovedCpus)            \
            SKIP("too many CPUs for alarms at this rate"); \
    } while (false)

} // namespace percival

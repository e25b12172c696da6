// SPDX-License-Identifier: BSD-2-Clause
// While it lives, timer interrupts at a high rate replace whatever thread they hit and send it to another CPU:
// between any two instructions. The tick stands still meanwhile, so nobody sleeps.
#pragma once

#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
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
        arch::timer_set_alarm(arch::timer_frequency() / kInterruptsPerSecond);
        // The next CPU, then the one after that, and so on.
        const u32 count = online_cpu_count();
        const u32 step = count == 1 ? 0 : 1 + static_cast<u32>(tick_count(this_cpu_id())) % (count - 1);
        move_interrupted_thread(CpuId{(this_cpu_id().index() + step) % count});
    }
};

// Alarms at this rate, on many more emulated CPUs than the host has, leave no time for anything
// else: a test with them is for so many CPUs at most.
inline constexpr u32 kMaxMovedCpus = 8;

#define SKIP_ABOVE_MOST_MOVED_CPUS()        \
    if (online_cpu_count() > kMaxMovedCpus) \
    SKIP("too many CPUs for alarms at this rate")

} // namespace percival

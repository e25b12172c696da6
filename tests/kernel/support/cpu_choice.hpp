// SPDX-License-Identifier: BSD-2-Clause
// Chooses CPUs for tests: online ones, without the gaps of CPUs that never came up, and ones that can go
// offline.
#pragma once

#include "arch/devices/power.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/selftest/selftest.hpp"

#include <optional>

namespace percival {

// Returns the online CPU number `number`, counted from the boot CPU, which is 0, and modulo their count.
inline CpuId nth_online_cpu(u32 number)
{
    CpuId found{};
    u32 to_pass = number % online_cpu_count();
    for_each_online_cpu([&](CpuId cpu) {
        if (to_pass-- == 0)
            found = cpu;
    });
    return found;
}

inline CpuId last_online_cpu()
{
    return nth_online_cpu(online_cpu_count() - 1);
}

// Returns the next online CPU after `cpu`, or the boot CPU after the last one.
inline CpuId cpu_after(CpuId cpu)
{
    std::optional<CpuId> next;
    for_each_online_cpu([&](CpuId online) {
        if (!next && online.index() > cpu.index())
            next = online;
    });
    return next.value_or(kBootCpu);
}

// Returns whether all online CPUs can be turned off and on again.
inline bool cpus_can_go()
{
    bool can = true;
    for_each_online_cpu([&can](CpuId cpu) { can &= arch::can_turn_off(cpu); });
    return can;
}

#define SKIP_WITHOUT_ANOTHER_CPU()         \
    do {                                   \
        if (online_cpu_count() == 1)       \
            SKIP("there is no other CPU"); \
    } while (false)

#define SKIP_UNLESS_CPUS_CAN_GO()                                   \
    do {                                                            \
        SKIP_WITHOUT_ANOTHER_CPU();                                 \
        if (!cpus_can_go())                                         \
            SKIP("the firmware cannot turn CPUs off and on again"); \
    } while (false)

// Takes a CPU offline for the lifetime of the object. Afterwards leaves the tests' thread on the boot CPU.
class Away : Immovable {
public:
    explicit Away(CpuId cpu) : cpu_{cpu}
    {
        const auto gone = take_cpu_offline(cpu);
        if (!EXPECT(gone.has_value()))
            print("  # cpu{}: {}", cpu, gone.error());
    }
    ~Away()
    {
        const auto back = bring_cpu_online(cpu_);
        if (!EXPECT(back.has_value()))
            print("  # cpu{}: {}", cpu_, back.error());
        set_affinity(current_thread(), CpuSet::only(kBootCpu));
    }

private:
    CpuId cpu_;
};

} // namespace percival

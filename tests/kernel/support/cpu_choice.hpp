// SPDX-License-Identifier: BSD-2-Clause
// CPUs for tests to use: those online, without the gaps that CPUs leave that never came up, and those that can go.
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

// The one behind `number` others, round and round. The boot CPU is number 0.
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

// The next one, and after the last the boot CPU.
inline CpuId cpu_after(CpuId cpu)
{
    std::optional<CpuId> next;
    for_each_online_cpu([&](CpuId online) {
        if (!next && online.index() > cpu.index())
            next = online;
    });
    return next.value_or(kBootCpu);
}

// Whether all those online can be turned off and on again.
inline bool cpus_can_go()
{
    bool can = true;
    for_each_online_cpu([&can](CpuId cpu) { can &= arch::can_turn_off(cpu); });
    return can;
}

#define SKIP_WITHOUT_ANOTHER_CPU() \
    if (online_cpu_count() == 1)   \
    SKIP("there is no other CPU")

#define SKIP_UNLESS_CPUS_CAN_GO() \
    SKIP_WITHOUT_ANOTHER_CPU();   \
    if (!cpus_can_go())           \
    SKIP("the firmware cannot turn CPUs off and on again")

// Takes a CPU away for its lifetime, and leaves the tests' thread on the boot CPU afterwards.
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

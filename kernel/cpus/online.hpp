// SPDX-License-Identifier: BSD-2-Clause
// The set of CPUs as the rest of the kernel sees it: how many run, and the few requests that go to
// all of them.
//
// INV-cpus-1: possible CPUs are numbered 0 to possible-1 and each has a root and a slab. Which of them are
//             online changes after bring_up_secondaries() only by kernel/hotplug/hotplug.hpp: a CPU that was seen
//             online stays so while preemption is off.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/lib/types.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

// CPUs that came up and run, the caller included. Any context.
u32 online_cpu_count();
bool is_online(CpuId cpu);

// What a CPU said of itself when it came up.
const arch::CpuFeatures& cpu_features(CpuId cpu);

// Calls `visit(CpuId)` for every online CPU in order.
template <class Visit>
void for_each_online_cpu(Visit visit);

// Asks every other online CPU to stop for good (Ipi::Stop) and returns, whether they do or not: the caller is
// ending the run and waits for nobody, a CPU with its interrupts masked least of all. Does nothing before the
// interrupt controller is up. Any context, a panic included; takes no lock.
void stop_other_cpus();

// --- For kernel/hotplug: what becomes of a CPU

// Says that `cpu` is about to start. The CPU itself ends that by set_online(), or another one by leave_out().
void set_starting(CpuId cpu);
bool is_starting(CpuId cpu);
// Puts the calling CPU, `self`, among those online. False: it was left out before that.
[[nodiscard]] bool set_online(CpuId self, const arch::CpuFeatures& features);
// Gives up a CPU that was started: one that is late then stops before it is online. False: it came online
// before that.
bool leave_out(CpuId cpu);
// Takes a CPU out of the set of those online; it answers still.
void set_offline(CpuId cpu);
// The calling CPU's last word, and whether a CPU has said it.
void say_goodbye();
bool has_said_goodbye(CpuId cpu);

template <class Visit>
void for_each_online_cpu(Visit visit)
{
    for (u32 index = 0; index < possible_cpu_count(); ++index) {
        if (is_online(CpuId{index}))
            visit(CpuId{index});
    }
}

} // namespace percival

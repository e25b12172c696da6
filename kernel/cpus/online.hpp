// SPDX-License-Identifier: BSD-2-Clause
// The set of CPUs as the rest of the kernel sees it: how many run, and the few requests that go to
// all of them.
//
// INV-cpus-1: possible CPUs are numbered 0 to possible-1 and each has a root and a slab. Which of them are
//             online changes after bring_up_secondaries() only by kernel/hotplug/hotplug.hpp: a CPU that was seen
//             online stays so while preemption is off.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"
#include "mm/percpu/area.hpp"

#include <expected>
#include <string_view>

namespace percival {

// CPUs that came up and run, the caller included. Any context.
u32 online_cpu_count();
bool is_online(CpuId cpu);

// What a CPU said of itself when it came up.
const arch::CpuFeatures& cpu_features(CpuId cpu);

// Puts the boot CPU on its own root and percpu data, and marks it online. Once, after
// mm::setup_percpu_areas().
void adopt_boot_cpu();

// Starts every other CPU of the machine, all at the same time, and waits until each runs or has used up its
// time. One that does not come up is reported and left out for good. Boot CPU, once, interrupts unmasked.
void bring_up_secondaries(const MachineDescription& machine);

// Calls `visit(CpuId)` for every online CPU in order.
template <class Visit>
void for_each_online_cpu(Visit visit);

// Asks every other online CPU to stop for good (Ipi::Stop) and returns, whether they do or not: the caller is
// ending the run and waits for nobody, a CPU with its interrupts masked least of all. Does nothing before the
// interrupt controller is up. Any context, a panic included; takes no lock.
void stop_other_cpus();

// Prints the backtrace of every online CPU, the caller's first. A CPU that does not answer within a bounded
// time (interrupts masked) is named as such. Any context; takes no lock that the CPUs asked could hold.
void backtrace_all_cpus();

// --- For CPU hotplug

// Takes a CPU out of the set of those online; it answers still.
void set_offline(CpuId cpu);
// The calling CPU's last word, and whether a CPU has said it.
void say_goodbye();
bool has_said_goodbye(CpuId cpu);
// Starts a CPU that is off; returns when the request is accepted.
std::expected<void, std::string_view> start_again(CpuId cpu);
// Gives up a CPU that was started: one that is late then stops before it is online. False: it came online before that.
bool leave_out(CpuId cpu);

template <class Visit>
void for_each_online_cpu(Visit visit)
{
    for (u32 index = 0; index < possible_cpu_count(); ++index) {
        if (is_online(CpuId{index}))
            visit(CpuId{index});
    }
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The set of CPUs as the rest of the kernel sees it: which CPUs are online, and the request to stop that goes
// to all of them.
//
// INV-cpus-1: the possible CPUs are numbered from 0 without gaps, and each has a root and a slab. After
//             bring_up_secondaries() only kernel/hotplug/hotplug.hpp changes which of them are online. A CPU
//             that was seen online, with preemption off, answers at least until preemption is enabled again.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/lib/types.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

// Returns the number of online CPUs, the caller's included. Any context.
u32 online_cpu_count();
// Returns whether `cpu` is online. Any context.
bool is_online(CpuId cpu);

// Returns the features that `cpu` reported when it came up.
const arch::CpuFeatures& cpu_features(CpuId cpu);

// Calls `visit(CpuId)` for every online CPU, in ascending order.
template <class Visit>
void for_each_online_cpu(Visit visit);

// Asks every other online CPU to stop for good (Ipi::Stop) and returns without waiting: the caller ends the
// run, and a CPU with interrupts masked might never answer. Does nothing before the interrupt controller is
// up. Any context, a panic included; takes no lock.
void stop_other_cpus();

// --- For kernel/hotplug: the states a CPU goes through

// Marks `cpu` as starting, and forgets what it lacked before. That state ends when the CPU itself calls
// arrive(), or another CPU leave_out().
void set_starting(CpuId cpu);
// Returns whether `cpu` has never been marked as starting.
bool has_never_started(CpuId cpu);
// Returns whether `cpu` is starting, or has arrived and is still being set up.
bool is_coming(CpuId cpu);
// Called by a starting CPU, `self`, before it executes a this_cpu operation or takes a lock. Returns false if
// the CPU has been left out; it is gone then, and must turn itself off at once. Otherwise set_online() or
// say_goodbye() follows soon.
[[nodiscard]] bool arrive(CpuId self);
// Marks the calling CPU, `self`, as online.
void set_online(CpuId self, const arch::CpuFeatures& features);
// Gives up a CPU that has not arrived: if it still does, its arrive() fails. Returns false if the CPU is not
// starting; it may be arriving, online, or left out already.
bool leave_out(CpuId cpu);
// Removes `cpu` from the set of online CPUs. The CPU still answers interrupts.
void set_offline(CpuId cpu);
// Marks the calling CPU as gone: from here on it only turns itself off.
void say_goodbye();
// The same for a CPU, `self`, that has arrived and lacks features that are in use.
void say_goodbye_for_lack_of(CpuId self, arch::CpuFeatureSet features);
// Returns the features for lack of which `cpu` has gone since it was started; none unless
// has_said_goodbye(cpu).
arch::CpuFeatureSet lacking_features(CpuId cpu);
// Returns whether `cpu` has called say_goodbye(), or arrived too late, and has not been started again since.
bool has_said_goodbye(CpuId cpu);
// Returns whether `cpu` has gone, or was left out when it was last started, and may be started again. After
// keep_out_new_cpus() it may not if it has never been online.
bool can_start_again(CpuId cpu);
// Keeps out CPUs that have never been online: something was decided by what the online CPUs did, not by
// features (kernel/cpus/features.hpp), which a CPU has to have whenever it comes.
void keep_out_new_cpus();

template <class Visit>
void for_each_online_cpu(Visit visit)
{
    for (u32 index = 0; index < possible_cpu_count(); ++index) {
        if (is_online(CpuId{index}))
            visit(CpuId{index});
    }
}

} // namespace percival

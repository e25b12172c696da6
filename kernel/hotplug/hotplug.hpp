// SPDX-License-Identifier: BSD-2-Clause
// CPU hotplug: takes CPUs offline and brings them back. Both operations block, and only one runs at a time.
//
// A CPU that goes offline passes its threads, timers and work on to other CPUs, frees the memory it keeps in
// stock, and is turned off. Its percpu data keeps its place and its values: other CPUs may read it through
// the global address, and the CPU finds it again when it returns. Its root stays too, and is checked before
// it is used again.
//
// INV-hotplug-1: a CPU leaves the set of online CPUs while it still answers. It stops answering only after
//                every CPU that may have seen it online, with preemption off, has enabled preemption again.
#pragma once

#include "kernel/hotplug/cpu_error.hpp"
#include "kernel/lib/thread_annotations.hpp"
#include "kernel/lib/types.hpp"

#include <expected>

namespace percival {

// Take `cpu` offline, and bring it back, or for the first time if it was left out at boot. After an error the
// set of online CPUs is as it was, and both can be tried again. The exception is a CPU that went offline but
// was never turned off: it stays offline, and can come back once the firmware reports it off. The last online
// CPU cannot go. A CPU that lacks features that are in use (kernel/cpus/features.hpp) turns itself off again,
// and the error names them. Threads only; both block.
std::expected<void, CpuError> take_cpu_offline(CpuId cpu);
std::expected<void, CpuError> bring_cpu_online(CpuId cpu);

// The second half of bring_cpu_online(): waits until `cpu`, which has been started, is online and takes
// threads. Leaves it out if it has not arrived after patient_seconds() of `seconds`: if it arrives later, it
// turns itself off. Threads only; blocks.
std::expected<void, CpuError> await_cpu(CpuId cpu, u32 seconds);

// Turns this CPU off, and then does not return, if take_cpu_offline() has asked for it and no thread is left
// here. Called by the idle thread, interrupts masked.
void leave_if_asked(CpuId self);

} // namespace percival

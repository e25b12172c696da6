// SPDX-License-Identifier: BSD-2-Clause
// CPUs that go and come back. Both functions block, one at a time.
//
// A CPU that goes hands on its threads, its timers and its work, gives back the memory it keeps in stock, and is
// turned off. Its percpu data stays where it is, with its values, for others to read at its global address and
// for itself to find again; so does its root, which is looked at before it is used again.
//
// INV-hotplug-1: a CPU leaves the set of online CPUs while it still answers; it stops answering only after
//                everybody who may have seen it there, with preemption off, has finished with it.
#pragma once

#include "kernel/lib/thread_annotations.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival {

// An error is a sentence for the console; the CPU then stays as it is. The last CPU stays.
std::expected<void, std::string_view> take_cpu_offline(CpuId cpu);
std::expected<void, std::string_view> bring_cpu_online(CpuId cpu);

// For the idle thread, interrupts masked: leaves for good if its CPU is to go.
void leave_if_asked(CpuId self);

} // namespace percival

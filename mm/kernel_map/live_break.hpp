// SPDX-License-Identifier: BSD-2-Clause
// Announces break-before-make of leaves that CPUs may be using.
//
// Between break and make such an address is not mapped, and a CPU that uses it takes a fault. While a
// LiveBreak object exists, the fault handlers of the other CPUs wait and retry
// (mm/kernel_map/spurious_fault.hpp). Interrupts are masked, so that the break is short and this CPU runs
// nothing else meanwhile.
//
// Any context in which leaves may be edited. Not nested.
//
// Invariant: a break is counted as begun before a walker can see the first broken entry, and as ended after
// every walker sees the new entries.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival::mm {

// The breaks of all CPUs since boot. Breaks are in progress exactly while the two counts differ.
struct LiveBreaks {
    std::atomic<u64> begun{0};
    std::atomic<u64> ended{0};
};
inline constinit LiveBreaks live_breaks;

class LiveBreak : Immovable {
public:
    LiveBreak();
    ~LiveBreak();

private:
    arch::InterruptMask masked_;
};

// Returns whether the calling CPU is inside a break. Interrupts masked; percpu data must exist.
bool this_cpu_breaks();

} // namespace percival::mm

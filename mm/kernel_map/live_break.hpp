// SPDX-License-Identifier: BSD-2-Clause
// Announcing break-before-make of leaves that CPUs may be using.
//
// Between break and make such an address is not mapped, and whoever uses it faults for real. While a LiveBreak
// lives, the fault handlers of the other CPUs wait and look again (mm/kernel_map/spurious_fault.hpp). Interrupts are
// masked, so that it is short and that nothing but the break runs on this CPU meanwhile.
//
// Any context in which leaves may be edited. Not nested.
//
// INV-live_break-1: a break is counted as begun before a walker can see the first broken entry, and as ended
//                   after every walker sees the new ones.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival::mm {

// On all CPUs together, since boot. Breaks are in progress exactly when the two differ.
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

// Whether the calling CPU is inside one. Interrupts masked; once it has percpu data.
bool this_cpu_breaks();

} // namespace percival::mm

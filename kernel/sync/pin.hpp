// SPDX-License-Identifier: BSD-2-Clause
// A Pin proves that its holder stays on this CPU. A function that needs this takes a `const Pin&`. A Pin
// itself costs nothing. There are two ways to get one:
//
//      const PreemptGuard pin;                  // any context; counts (kernel/sync/preemption.hpp)
//
//      const arch::InterruptMask masked;        // no thread is switched while interrupts are masked
//      const Pin pin{masked};
//
// A thread that blocks would give up its CPU all the same, so blocking with a Pin is a panic
// (kernel/sched/scheduler.hpp).
#pragma once

#include "arch/cpu/processor.hpp"

namespace percival {

class Pin {
public:
    // The mask must outlive the Pin: both are local variables of one scope.
    explicit Pin(const arch::InterruptMask&) {}
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

protected:
    Pin() = default;
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// A Pin proves that its holder stays on this CPU: what needs that takes a `const Pin&`. It costs nothing
// itself. There are two ways to one:
//
//      const PreemptGuard pin;                  // kernel/sync/preemption.hpp: counts; any context
//
//      const arch::InterruptMask masked;        // nothing switches threads while interrupts are masked
//      const Pin pin{masked};
//
// A thread that blocks gives its CPU up whatever it holds; blocking with a pin is refused (kernel/sched/scheduler.hpp).
#pragma once

#include "arch/cpu/processor.hpp"

namespace percival {

class Pin {
public:
    // The mask must outlive the pin: both are locals of one scope.
    explicit Pin(const arch::InterruptMask&) {}
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

protected:
    Pin() = default;
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/cpu/processor.hpp: a CPU that spins waits for a new value, and interrupts
// come from the explorer.
#pragma once

#include "kernel/lib/types.hpp"
#include "memory_order/support/order_explorer.hpp"

namespace percival::arch {

[[gnu::always_inline]] inline void relax()
{
    testing::order_explorer().poll(__builtin_return_address(0));
}

// Nothing but a new value ends the wait of a CPU that spins.
inline void wait_for_interrupt() {}

inline bool interrupts_masked()
{
    return testing::order_explorer().interrupts_masked();
}

class InterruptMask {
public:
    InterruptMask() { testing::order_explorer().mask_interrupts(); }
    ~InterruptMask() { testing::order_explorer().unmask_interrupts(); }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;
};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The few things every kernel asks of the processor it runs on: interrupt masking and waiting. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// A hint inside a spin loop.
inline void relax()
{
    asm volatile("yield" ::: "memory");
}

// Sleeps until an interrupt is pending, masked ones included. The DSB makes earlier stores visible before
// sleeping.
inline void wait_for_interrupt()
{
    asm volatile("dsb sy; wfi" ::: "memory");
}

inline void send_event()
{
    asm volatile("sev" ::: "memory");
}

inline void unmask_interrupts()
{
    asm volatile("msr daifclr, #3" ::: "memory");
}

inline void mask_interrupts()
{
    asm volatile("msr daifset, #3" ::: "memory");
}

inline bool interrupts_masked()
{
    u64 daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    return (daif & (u64{1} << 7)) != 0;
}

// Masks IRQ and FIQ for its lifetime and puts back what it found.
class InterruptMask {
public:
    InterruptMask() { asm volatile("mrs %0, daif; msr daifset, #3" : "=r"(saved_) : : "memory"); }
    ~InterruptMask() { asm volatile("msr daif, %0" : : "r"(saved_) : "memory"); }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;

private:
    u64 saved_;
};

// Stops this CPU for good.
[[noreturn]] inline void stop()
{
    for (;;)
        asm volatile("msr daifset, #15; wfi" ::: "memory");
}

} // namespace percival::arch

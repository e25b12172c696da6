// SPDX-License-Identifier: BSD-2-Clause
// Masking interrupts and waiting, on the calling CPU. Any context.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Tells the CPU that it is inside a spin loop.
inline void relax()
{
    asm volatile("yield" ::: "memory");
}

// Sleeps until an interrupt is pending, be it masked or not. The DSB makes earlier stores visible before the
// CPU sleeps.
inline void wait_for_interrupt()
{
    asm volatile("dsb sy; wfi" ::: "memory");
}

// Wakes every CPU from WFE.
inline void send_event()
{
    asm volatile("sev" ::: "memory");
}

// Unmasks IRQ and FIQ.
inline void unmask_interrupts()
{
    asm volatile("msr daifclr, #3" ::: "memory");
}

// Masks IRQ and FIQ.
inline void mask_interrupts()
{
    asm volatile("msr daifset, #3" ::: "memory");
}

// Returns whether IRQ is masked.
inline bool interrupts_masked()
{
    u64 daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    return (daif & (u64{1} << 7)) != 0;
}

// Masks IRQ and FIQ for its lifetime and then restores DAIF as it was.
class InterruptMask {
public:
    InterruptMask() { asm volatile("mrs %0, daif; msr daifset, #3" : "=r"(saved_) : : "memory"); }
    ~InterruptMask() { asm volatile("msr daif, %0" : : "r"(saved_) : "memory"); }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;

private:
    u64 saved_;
};

// Masks all exceptions and stops this CPU for good.
[[noreturn]] inline void stop()
{
    for (;;)
        asm volatile("msr daifset, #15; wfi" ::: "memory");
}

} // namespace percival::arch

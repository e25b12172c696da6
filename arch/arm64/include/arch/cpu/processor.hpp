// SPDX-License-Identifier: BSD-2-Clause
// Masking exceptions and waiting, on the calling CPU. Any context.
//
// A thread takes system errors (SError), so that an asynchronous abort is reported when it happens. They are
// masked only in handlers, as every exception entry masks them, and where no vector can be fetched:
// ExceptionMask. IRQ and FIQ are masked in many more places, by InterruptMask, which leaves SError alone.
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

// Unmasks SError.
inline void unmask_system_errors()
{
    asm volatile("msr daifclr, #4" ::: "memory");
}

// Unmasks SError, IRQ and FIQ, as a thread begins.
inline void unmask_thread_exceptions()
{
    asm volatile("msr daifclr, #7" ::: "memory");
}

// Masks debug exceptions, SError, IRQ and FIQ.
inline void mask_all_exceptions()
{
    asm volatile("msr daifset, #15" ::: "memory");
}

// Returns whether SError is masked.
inline bool system_errors_masked()
{
    u64 daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    return (daif & (u64{1} << 8)) != 0;
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

// Sets bits of DAIF for its lifetime, by the immediate of MSR DAIFSet, and then restores DAIF as it was.
template <unsigned Bits>
class DaifMask {
public:
    DaifMask() { asm volatile("mrs %0, daif; msr daifset, %1" : "=r"(saved_) : "i"(Bits) : "memory"); }
    ~DaifMask() { asm volatile("msr daif, %0" : : "r"(saved_) : "memory"); }
    DaifMask(const DaifMask&) = delete;
    DaifMask& operator=(const DaifMask&) = delete;

    // Returns whether IRQ was masked already.
    bool interrupts_were_masked() const { return (saved_ & (u64{1} << 7)) != 0; }

private:
    u64 saved_;
};

// Masks IRQ and FIQ.
class InterruptMask : public DaifMask<3> {};

// Masks all exceptions: for code that runs while the vectors are not mapped.
class ExceptionMask : public DaifMask<15> {};

// Masks all exceptions and stops this CPU for good.
[[noreturn]] inline void stop()
{
    mask_all_exceptions();
    for (;;)
        asm volatile("wfi" ::: "memory");
}

} // namespace percival::arch

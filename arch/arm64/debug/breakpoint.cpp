// SPDX-License-Identifier: BSD-2-Clause
#include "arch/debug/breakpoint.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/sysreg.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "mm/percpu/this_cpu.hpp"

namespace percival::arch {
namespace {

struct Mdscr {
    PERCIVAL_SYSTEM_REGISTER(Mdscr, "mdscr_el1")
    using Kde = Field<13>; // enables debug exceptions from the kernel's level too
    using Mde = Field<15>; // enables breakpoints and watchpoints
};

struct BreakpointValue {
    PERCIVAL_SYSTEM_REGISTER(BreakpointValue, "dbgbvr0_el1")
};

struct BreakpointControl {
    PERCIVAL_SYSTEM_REGISTER(BreakpointControl, "dbgbcr0_el1")
    using Enable = Field<0>;
    using Privileged = Field<2, 1>; // 1: EL1
    using ByteSelect = Field<8, 5>; // 0xf: a whole A64 instruction
    using Hyp = Field<13>;          // HMC; with SSC = 0 and Privileged = 1: at EL2 too
};

PERCIVAL_PERCPU PerCpu<Breakpoint*> armed{};

void disarm()
{
    BreakpointControl{}.write();
    isb();
}

} // namespace

Breakpoint::Breakpoint(VirtAddr instruction, void (*on_hit)()) : on_hit_{on_hit}
{
    this_cpu<armed>.write(this);
    BreakpointValue{instruction.raw()}.write();
    BreakpointControl{}
        .with<BreakpointControl::Enable>(1)
        .with<BreakpointControl::Privileged>(1)
        .with<BreakpointControl::ByteSelect>(0xf)
        .with<BreakpointControl::Hyp>(runs_at_el2() ? 1 : 0)
        .write();
    Mdscr{}.with<Mdscr::Kde>(1).with<Mdscr::Mde>(1).write();
    asm volatile("msr daifclr, #8" ::: "memory");
    isb();
}

Breakpoint::~Breakpoint()
{
    asm volatile("msr daifset, #8" ::: "memory");
    Mdscr{}.write();
    disarm();
    this_cpu<armed>.write(nullptr);
}

bool handle_breakpoint(const Registers& registers)
{
    if (exception_class(registers.esr) != ExceptionClass::HardwareBreakpoint)
        return false;
    Breakpoint* breakpoint = this_cpu<armed>.read();
    if (breakpoint == nullptr || breakpoint->hit_)
        return false;
    disarm(); // otherwise it would fire again after the exception return
    breakpoint->hit_ = true;
    breakpoint->on_hit_();
    return true;
}

} // namespace percival::arch

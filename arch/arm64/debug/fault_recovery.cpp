// SPDX-License-Identifier: BSD-2-Clause
#include "arch/debug/fault_recovery.hpp"

#include "arch/exceptions/recovery_point.hpp"
#include "kernel/sync/thread_context.hpp"

namespace percival::arch {
namespace {

// A call of catch_fault() in progress, and the fault that ended it.
struct Catching {
    RecoveryPoint point;
    Fault fault;
    u32 preemption_count; // restored, because the guards of abandoned code never end
    HeldLocks held_locks;
};

constexpr u64 kBranchTypeAndIllegalState = u64{3} << 10 | u64{1} << 20; // SPSR_EL1.BTYPE, IL

} // namespace

std::optional<Fault> catch_fault(void (*function)(void*), void* argument)
{
    Catching frame{};
    ThreadContext& self = thread_context();
    frame.preemption_count = self.count;
    frame.held_locks = self.held_locks;
    self.catching = &frame;
    const bool faulted = call_catching_faults(&frame.point, function, argument);
    self.catching = nullptr;
    if (!faulted)
        return {};
    return frame.fault;
}

bool recover_from_fault(Registers& registers, bool stack_overflow)
{
    ThreadContext& self = thread_context();
    auto* const frame = static_cast<Catching*>(self.catching);
    if (frame == nullptr)
        return false;
    self.catching = nullptr;
    self.count = frame->preemption_count;
    self.held_locks = frame->held_locks;
    frame->fault = {registers.esr, VirtAddr{registers.far}, VirtAddr{registers.pc}, stack_overflow};
    registers.pc = address_of(fault_recovered).raw();
    registers.x[0] = address_of(&frame->point).raw();
    registers.pstate &= ~kBranchTypeAndIllegalState;
    return true;
}

} // namespace percival::arch

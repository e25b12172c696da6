// SPDX-License-Identifier: BSD-2-Clause
#include "arch/exceptions/fault_recovery.hpp"

#include "arch/threads/stack_size.hpp"
#include "kernel/sched/thread.hpp"

extern "C" {
bool call_catching_faults(percival::arch::RecoveryPoint* point, void (*function)(void*), void* argument);
extern const char fault_recovered[];
}

namespace percival::arch {
namespace {

// Which call of catch_fault() a thread is in, and what came of it.
struct Catching {
    RecoveryPoint point;
    Fault fault;
    u32 preemption_count; // guards of the abandoned code do not end by themselves
    HeldLocks held_locks;
};

constexpr u64 kBranchTypeAndIllegalState = u64{3} << 10 | u64{1} << 20; // SPSR_EL1.BTYPE, IL

} // namespace

// Where stack overflows are handled. First in the percpu section, so that bit kStackShift of its addresses is
// 0.
extern "C" {
[[gnu::section(".percpu.page_aligned"),
  gnu::used]] alignas(16) constinit char overflow_stack[kOverflowStackSize.count()] = {};
}
static_assert(kOverflowStackSize <= kStackSize);

std::optional<Fault> catch_fault(void (*function)(void*), void* argument)
{
    Catching frame{};
    Thread& self = current_thread();
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
    Thread& self = current_thread();
    auto* const frame = static_cast<Catching*>(self.catching);
    if (frame == nullptr)
        return false;
    self.catching = nullptr;
    self.count = frame->preemption_count;
    self.held_locks = frame->held_locks;
    frame->fault = {registers.esr, VirtAddr{registers.far}, VirtAddr{registers.pc}, stack_overflow};
    registers.pc = reinterpret_cast<u64>(fault_recovered);
    registers.x[0] = reinterpret_cast<u64>(&frame->point);
    registers.pstate &= ~kBranchTypeAndIllegalState;
    return true;
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The handlers of all exceptions but interrupts. The vectors call them (arch/arm64/exceptions/vectors.S),
// with interrupts masked.
#include "arch/debug/breakpoint.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "arch/exceptions/registers.hpp"
#include "arch/percpu_modes/fixup.hpp"
#include "arch/percpu_modes/restart.hpp"
#include "kernel/lib/panic.hpp"
#include "mm/kernel_map/spurious_fault.hpp"

namespace percival::arch {
namespace {

// Returns whether the exception is a translation fault of the kernel itself that goes away when the
// instruction is tried again. The fault may be at any level of the walk, of data or of an instruction.
bool is_spurious_fault(const Registers& registers)
{
    const ExceptionClass exception = exception_class(registers.esr);
    if (exception != ExceptionClass::DataAbort && exception != ExceptionClass::InstructionAbort)
        return false;
    if (!far_is_valid(registers.esr) || fault_status(registers.esr).kind != FaultKind::Translation)
        return false;
    return mm::is_spurious({VirtAddr{registers.pc}, VirtAddr{registers.far}, is_write_abort(registers.esr)});
}

} // namespace

extern "C" void handle_synchronous(Registers& registers)
{
    const NotedOperation noted;
    // After a breakpoint the sequence is not restarted: the interrupted code continues at the same
    // instruction, so that code which a test steps through comes to its end. The thread is still on its CPU.
    if (handle_breakpoint(registers)) {
        noted.resume(registers);
        return;
    }
    if (is_spurious_fault(registers)) {
        restart_percpu_operation(registers);
        noted.resume(registers);
        return;
    }
    if (!recover_from_fault(registers, false))
        panic_at(registers, "unhandled exception");
}

extern "C" void handle_stack_overflow(Registers& registers)
{
    const NotedOperation abandoned; // what overflows the stack does not continue (INV-fixup-2)
    if (!recover_from_fault(registers, true))
        panic_at(registers, "kernel stack overflow");
}

extern "C" void handle_system_error(Registers& registers)
{
    panic_at(registers, "system error");
}

extern "C" [[noreturn]] void handle_unexpected_exception()
{
    panic("exception from a level the kernel does not run at");
}

} // namespace percival::arch

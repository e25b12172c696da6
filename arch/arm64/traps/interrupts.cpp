// SPDX-License-Identifier: BSD-2-Clause
// The handler of interrupts. The vectors call it (arch/arm64/exceptions/vectors.S), with interrupts masked.
#include "kernel/interrupts/interrupts.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/exceptions/registers.hpp"
#include "arch/percpu_modes/fixup.hpp"
#include "arch/percpu_modes/restart.hpp"
#include "kernel/sched/preemption.hpp"

namespace percival::arch {

extern "C" void handle_interrupt(Registers& registers)
{
    const NotedOperation noted;
    preemption().count += kInterruptCount;
    serve_interrupts([&registers](Ipi ipi) { dispatch_ipi(ipi, registers); },
                     [](u32 intid) { dispatch_interrupt(intid); });
    preemption().count -= kInterruptCount;
    switch_at_interrupt_return();
    restart_percpu_operation(registers);
    noted.resume(registers);
}

} // namespace percival::arch

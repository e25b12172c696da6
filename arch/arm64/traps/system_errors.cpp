// SPDX-License-Identifier: BSD-2-Clause
#include "arch/traps/system_errors.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/print.hpp"
#include "mm/percpu/area.hpp"

namespace percival::arch {
namespace {

struct PendingInterrupts {
    PERCIVAL_SYSTEM_REGISTER(PendingInterrupts, "isr_el1")
    using SystemError = Field<8>;
};

} // namespace

void take_system_errors()
{
    if (PendingInterrupts::read().get<PendingInterrupts::SystemError>() != 0)
        print("cpu{}: a system error was raised before the kernel could take it", this_cpu_id());
    unmask_system_errors();
    isb(); // a pending one is taken here
}

} // namespace percival::arch

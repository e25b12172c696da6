// SPDX-License-Identifier: BSD-2-Clause
#include "arch/cpu/processor.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival::arch {

// Makes a switch that became due during a guarded operation; percpu_guard.S calls this. Only an interrupt
// makes a switch due during an operation. With interrupts masked the switch was due before, and the code that
// made it due has arranged for it. switch_if_due() would then request the switching interrupt again, without
// end if the code on the way to the switch uses guarded operations itself.
extern "C" void switch_after_guard()
{
    if (!interrupts_masked())
        switch_if_due();
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Reads when the alarm of a CPU is set to ring. A test can so check what is certain, instead of how long
// something took, which depends on the load of an emulator's host.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

struct AlarmTime {
    PERCIVAL_SYSTEM_REGISTER_OF_LEVEL(AlarmTime, "cntv_cval_el0", PERCIVAL_WITH_PHYSICAL_TIMER,
                                      "cntp_cval_el0")
};

// Returns the time of this CPU's alarm, in ticks of the clock. Interrupts masked.
inline u64 time_of_alarm()
{
    return AlarmTime::read().raw;
}

} // namespace percival

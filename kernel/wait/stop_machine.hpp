// SPDX-License-Identifier: BSD-2-Clause
// Stops every other CPU for a while, so that this CPU can change code or data that no other CPU may execute
// or see half changed.
//
//   WhileOthersAreHeld    keeps all other CPUs in a wait for the lifetime of the object
//   stop_machine(f)       runs f on the calling CPU meanwhile, interrupts masked
//
// Threads only, interrupts unmasked, no PreemptGuard held: waits for a CPU that is coming or going
// (kernel/wait/cpus_stay.hpp) and for another Broadcast. The caller sees everything that the other CPUs wrote
// before they were held, and they see everything that it wrote meanwhile.
//
// INV-stop_machine-1: while the other CPUs are held, every possible CPU except the caller's is held, is off,
//                     or stops for good before it executes a this_cpu site. An arriving CPU executes sites
//                     before it is online, so no CPU is arriving or going offline meanwhile.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/wait/cpus_stay.hpp"

namespace percival {

class WhileOthersAreHeld : Immovable {
public:
    WhileOthersAreHeld();
    ~WhileOthersAreHeld();

private:
    // Declared first: no CPU starts from before the others are asked until all are released
    // (INV-stop_machine-1).
    CpusStay cpus_stay_;
    Broadcast broadcast_;
};

// Runs f() while the other CPUs are held, interrupts masked. Each of them stops between any two instructions
// where it has interrupts unmasked, even within a PreemptGuard.
template <class F>
void stop_machine(F&& f)
{
    const WhileOthersAreHeld held;
    const arch::InterruptMask masked;
    f();
}

} // namespace percival

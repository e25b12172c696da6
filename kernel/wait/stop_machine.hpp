// SPDX-License-Identifier: BSD-2-Clause
// Stopping every other CPU for a while, to change what they must not execute or see half changed.
//
//   WhileOthersAreHeld       while it lives, no other CPU executes anything but a wait
//   stop_machine(f)          f runs here meanwhile, interrupts masked
//
// Threads only, interrupts unmasked, no PreemptGuard held: waits for a CPU that is coming or going (kernel/wait/cpus_stay.hpp)
// and for another Broadcast.
//
// INV-stop_machine-1: while the others are held, every possible CPU is either held or off. A CPU that is starting runs
//                     code and executes this_cpu sites before it is online, so CPUs neither start nor go meanwhile.
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
    CpusStay cpus_stay_;
    Broadcast broadcast_;
};

// The others stop between two instructions, wherever they have interrupts unmasked: within a PreemptGuard too.
template <class F>
void stop_machine(F&& f)
{
    const WhileOthersAreHeld held;
    const arch::InterruptMask masked;
    f();
}

} // namespace percival

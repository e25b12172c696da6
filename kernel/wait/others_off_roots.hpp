// SPDX-License-Identifier: BSD-2-Clause
// Keeps every other CPU off its root for the lifetime of the object: it waits in the idmap, and no walker of
// its reads the kernel's tables (arch/mmu/off_root.hpp). The calling CPU may then change the tables as if
// there were no other. Its changes are complete, DSB included, before the object ends.
//
// Threads only, interrupts unmasked, no PreemptGuard held, as for stop_machine(). The caller sees everything
// that the other CPUs wrote before, and they see everything that it wrote meanwhile. Meanwhile nothing may
// wait for another CPU, so the time should be short: each of the others misses its ticks and answers nothing.
//
// A CPU that does not come within patient_seconds() of kOffRootSeconds ends the run: the others are let go,
// and a panic names the CPU. Nothing has been changed by then.
//
// While the object exists, every possible CPU except the caller's is off its root or is off. One that was
// left out executes a few instructions of its start at most, which use no address of the linear map
// (INV-stop_machine-1).
#pragma once

#include "kernel/cpus/call.hpp"
#include "kernel/wait/cpus_stay.hpp"

namespace percival {

inline constexpr u32 kOffRootSeconds = 20;

class OthersOffRoots : Immovable {
public:
    OthersOffRoots();
    ~OthersOffRoots();

private:
    // Declared first: no CPU starts from before the others are asked until all are back.
    CpusStay cpus_stay_;
    Broadcast broadcast_;
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// How a run of the kernel ends: with one verdict, told on the console's last line and to whoever started the
// machine.
//
// INV-verdict-1: one CPU ends the run. The others stop when they try to, so there is one verdict, and nothing
//                is printed behind it.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// The value is the exit status.
enum class Verdict : u8 {
    Passed = 0,
    Failed = 1, // a self-test failed
    Panic = 2,
    Hang = 3, // the watchdog lost its patience
};

// Whether end_run() hands the verdict out by semihosting. Only when the boot arguments ask for it: without a
// semihosting host the call is an undefined instruction. Boot CPU, before the run can end otherwise than by a
// panic.
void set_verdict_by_semihosting(bool wanted);

// Makes the calling CPU the one that ends the run. False: another CPU is it already, and the caller has to
// stop. True again for the same CPU. Any context once the image is mapped.
[[nodiscard]] bool claim_end_of_run();

// Stops the other CPUs, prints `percival: verdict: …`, waits until the console has sent it, and leaves: by
// semihosting if wanted, else by turning the machine off, else by stopping. Any context, a panic within
// end_run() included.
[[noreturn]] void end_run(Verdict verdict);

} // namespace percival

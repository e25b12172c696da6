// SPDX-License-Identifier: BSD-2-Clause
// The end of a run of the kernel: one verdict, which goes to the last line of the console and, as an exit
// status, to the host that started the machine.
//
// INV-verdict-1: only one CPU ends the run. Any other CPU that tries to stops instead, so there is only one
//                verdict and nothing is printed after it.
#pragma once

#include "kernel/boot_arguments/boot_argument_table.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// The value is the exit status.
enum class Verdict : u8 {
    Passed = 0,
    Failed = 1, // a self-test failed
    Panic = 2,
    Hang = 3, // a self-test ran out of time
};

// Sets how end_run() leaves the kernel. By semihosting only if the boot arguments ask for it, because without
// a semihosting host the call is an undefined instruction. Until it is set end_run() tries semihosting. Boot
// CPU, before the run can end in any way other than a panic.
void set_way_to_end(VerdictChoice way);

// Returns whether a CPU ends the run. Any context.
bool run_is_ending();

// Makes the calling CPU the one that ends the run (INV-verdict-1). Returns true if it is that CPU, now or
// already. Returns false if another CPU is; the caller then has to stop. Any context once the image is
// mapped.
[[nodiscard]] bool claim_end_of_run();

// Ends the run: stops the other CPUs, writes the result of a test that has not ended, prints
// `percival: verdict: …` and waits until the console has sent it.
// Then exits by semihosting, turns the machine off, or resets it, whichever is wanted. Says so and stops if
// that cannot be done. Any context, a panic within end_run() included.
[[noreturn]] void end_run(Verdict verdict);

} // namespace percival

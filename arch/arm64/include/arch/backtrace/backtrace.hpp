// SPDX-License-Identifier: BSD-2-Clause
// Backtraces: print the chain of callers on the console, one line `#0 V:0x… function+0x1c` per frame. They
// need a frame pointer in every function that calls another one (-fno-omit-frame-pointer). Any context, a
// panic and a broken stack included: a backtrace never faults and always ends, but may end early
// (INV-frame_walker-1, INV-frame_walker-2).
//
// A leaf function keeps no frame record. print_backtrace(registers) then misses its caller between #0 and #1,
// but the register dump shows that caller as `lr`.
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/bounded_vector.hpp"

namespace percival::arch {

// Prints the callers of the interrupted code; #0 is the interrupted instruction.
void print_backtrace(const Registers& registers);

// Prints the callers of the calling function; #0 is the place where it called print_backtrace().
void print_backtrace();

// The first callers of a chain, to be printed later.
using SavedBacktrace = BoundedVector<VirtAddr, 12>;

// Returns the callers of the calling function.
SavedBacktrace save_backtrace();
void print_backtrace(const SavedBacktrace& callers);

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Who called whom, on the console: one line `#0 V:0x… function+0x1c` per frame. Needs the frame pointer in
// every function that calls another one (-fno-omit-frame-pointer). Any context, a panic and a broken stack
// included: it never faults, it only ends early (arch/exceptions/frame_walker.hpp).
//
// A leaf function keeps no frame record. Its caller is then missing between #0 and #1 of
// print_backtrace(registers), but stands in the register dump as `lr`.
#pragma once

#include "arch/exceptions/registers.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

// Of the interrupted code.
void print_backtrace(const Registers& registers);

// Of the caller: #0 is where it called this function.
void print_backtrace();

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Writes to the host of an emulator or debugger session, for what the console cannot tell. Only for runs that
// ask for semihosting: without a host the HLT is an Undefined Instruction exception.
#pragma once

#include <string_view>

namespace percival::arch {

// Writes `line`, of which at most 255 characters are shown, and a line end through SYS_WRITE0 (0x04).
void semihosting_write_line(std::string_view line);

} // namespace percival::arch

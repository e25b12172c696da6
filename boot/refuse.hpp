// SPDX-License-Identifier: BSD-2-Clause
// Reports why the kernel cannot run on this machine, before the kernel itself is set up: with the MMU off and
// without a console. The reason goes to the UART that the device tree names, at its physical address. If
// there is no such UART, the run ends without output.
#pragma once

namespace percival::boot {

// Prints `reason` and ends the run with a panic verdict: through semihosting if the boot arguments say so,
// else through PSCI. If neither works, stops this CPU.
[[noreturn]] void refuse(const char* reason);

// Checks with the ID registers that this CPU has the granule of this build; otherwise refuses with the
// feature's name.
void refuse_unless_translation_is_supported();

} // namespace percival::boot

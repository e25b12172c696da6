// SPDX-License-Identifier: BSD-2-Clause
// Saying why the kernel cannot run here, before there is a kernel: MMU off, no console. The reason goes to
// the UART that the device tree names, by its physical address; without one it can only stop.
#pragma once

namespace percival::boot {

// Prints `reason` and stops the CPU, and with it the machine if PSCI is there.
[[noreturn]] void refuse(const char* reason);

// Compares what this build needs (granule, VA bits) with the ID registers, and refuses by the feature's name.
void refuse_unless_translation_is_supported();

} // namespace percival::boot

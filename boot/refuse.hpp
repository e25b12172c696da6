// SPDX-License-Identifier: BSD-2-Clause
// Reports why the kernel cannot run on this machine, before the kernel itself is set up: with the MMU off and
// without a console. The reason goes to the UART that the device tree names, at its physical address, or that
// a damaged tree seems to name (kernel/device_tree/salvage.hpp). If there is none, nothing is printed, but
// the run ends all the same as far as the machine lets it.
//
// What this needs is at the front of the image, so that it works if the end of the Image is missing.
#pragma once

#include <string_view>

namespace percival::boot {

// Prints `reason` and ends the run with a panic verdict: by semihosting if the boot arguments say so or are
// unknown, by PSCI, by a watchdog if a reset is wanted, and else by stopping this CPU. Needs
// `handoff.device_tree`. A step that raises an exception is left out (refusal_vectors in boot/start.S).
[[noreturn]] void refuse(std::string_view reason);

// The same for an image whose end is missing: uses nothing but what is at the image's front.
[[noreturn]] void refuse_cut_image();

// Checks with the ID registers that this CPU has the granule of this build; otherwise refuses with the
// feature's name.
void refuse_unless_translation_is_supported();

} // namespace percival::boot

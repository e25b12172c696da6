// SPDX-License-Identifier: BSD-2-Clause
// Calls of firmware by the SMC Calling Convention (Arm DEN 0028). Any context.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// What firmware returns for a function that it does not have.
inline constexpr u64 kNotSupported = ~u64{0};

// Calls `function` and returns x0. Returns kNotSupported if there is no conduit. Defined by the tests on the
// host.
u64 call_firmware(PsciConduit conduit, u32 function, u64 argument1, u64 argument2, u64 argument3);

} // namespace percival::arch

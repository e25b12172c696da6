// SPDX-License-Identifier: BSD-2-Clause
// The key of return address signing. It is loaded with the MMU off, before the first function that signs, so
// this is compiled as all code in boot/ is: position independent, and without signing.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::boot {

// Made once by the boot CPU from the clock, long before there is a better source; it is not a secret kept
// from code that can read kernel memory, it only makes signed return addresses differ from boot to boot.
struct PointerAuthenticationKey {
    u64 low;
    u64 high;
};

// Loads the key into this CPU. True: return addresses can be signed from now on.
bool set_pointer_authentication_key();

} // namespace percival::boot

// SPDX-License-Identifier: BSD-2-Clause
// Return address signing (FEAT_PAuth). All CPUs use one kernel key, so a frame may be entered on one CPU and
// left on another.
#pragma once

#include "arch/cpu/id_registers.hpp"

namespace percival::arch {

// The key. Made once by the boot CPU from the clock, long before there is a better source; it is not a secret
// kept from code that can read kernel memory, it only makes signed return addresses differ from boot to boot.
struct PointerAuthenticationKey {
    u64 low;
    u64 high;
};

inline bool has_pointer_authentication()
{
    return IdAa64Isar1::read().get<IdAa64Isar1::Apa>() != 0 ||
           IdAa64Isar1::read().get<IdAa64Isar1::Api>() != 0 ||
           IdAa64Isar2::read().get<IdAa64Isar2::Apa3>() != 0;
}

// Loads the key into this CPU, MMU off. True: return addresses can be signed from now on.
bool set_pointer_authentication_key();

} // namespace percival::arch

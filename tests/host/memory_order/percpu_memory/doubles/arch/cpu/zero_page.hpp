// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/cpu/zero_page.hpp: plain stores. DC ZVA is ordered as a store.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstring>

namespace percival::arch {

inline void zero_lines(u64 at, u64 size)
{
    std::memset(reinterpret_cast<void*>(at), 0, size);
}

} // namespace percival::arch

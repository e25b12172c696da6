// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/cpu/cache.hpp: there are no caches.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::arch {

// Is part of a CPU's set-up (support/board.cpp).
void note_cache_lines();

inline void clean_and_invalidate_to_memory(VirtRange) {}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Reads memory that the loader wrote, with the MMU off.
#pragma once

#include "arch/cpu/cache.hpp"

#include <span>

namespace percival::boot {

// Returns the bytes at a physical address, once this CPU has written back what the caches hold of them. The
// boot protocol obliges the loader to clean only the Image to memory: other things that it wrote with its
// caches on, such as the device tree, may still be in a cache, and with the MMU off loads bypass the caches.
inline std::span<const std::byte> loader_memory(PhysAddr at, Bytes size)
{
    // The lines of the other CPUs are in data of the kernel, which a cut Image may lack.
    arch::clean_and_invalidate_to_memory({VirtAddr{at.raw()}, size}, arch::own_cache_lines());
    // SAFETY: with the MMU off a physical address is a pointer.
    return {reinterpret_cast<const std::byte*>(at.raw()), static_cast<std::size_t>(size.count())};
}

} // namespace percival::boot

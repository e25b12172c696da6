// SPDX-License-Identifier: BSD-2-Clause
// What the percpu allocator stands on: slabs, memory for chunks that is full of junk, and pages that are
// always there. Chunks that are destroyed are gone for the explorer.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/class.hpp"

#include <atomic>

namespace percival::testing {

inline constexpr u32 kPercpuMachineCpus = 2;

// What memory for chunks is full of. Where a tag is read before it is set, it is that of this class.
inline constexpr u8 kJunk = 2;

// The allocator as it is after boot, with room for two CPUs. The first call starts it; what it does is there
// before every schedule.
struct PercpuMachine {
    // A place of the class that is in nobody's stock, map or depot but marked as taken in the map.
    static constexpr u32 kPlaces = 64;
    std::array<VirtAddr, kPlaces> places{};
    VirtAddr unused_chunk{}; // of two chunks in which nothing is allocated, the one that balance() destroys
    VirtAddr next_chunk{};   // where another one would begin
};
const PercpuMachine& percpu_machine();

// The class of all places.
inline constexpr percpu::Class kPlaceClass{2};
static_assert(kPlaceClass.size() == Bytes{8} && kPlaceClass.number() == kJunk);

// Returns the copy of an object of eight bytes.
inline std::atomic_ref<u64> copy_of(VirtAddr local, u32 cpu)
{
    return std::atomic_ref{*reinterpret_cast<u64*>(mm::local_to_global(local, CpuId{cpu}).raw())};
}

} // namespace percival::testing

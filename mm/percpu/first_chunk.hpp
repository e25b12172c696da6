// SPDX-License-Identifier: BSD-2-Clause
// The layout of the first percpu chunk, which has its memory from boot on:
//
//      |  static  |  reserved  |        dynamic        |
//      0          reserved_    dynamic_                size
//                 begin        begin
//
// The static part is the linked .percpu section. The reserved part is for the static percpu variables of code
// that is loaded later. The dynamic part serves allocations before there is another chunk. Two maps
// (ChunkMap) over the same unit allocate from the reserved and from the dynamic part; neither can touch the
// static part.
//
// Pure computation, used at boot. Runs on the host too.
//
// Invariant: the parts follow each other at whole grains and have at least the sizes asked for. Together they
// fill whole pages and fit into `room`.
#pragma once

#include "mm/percpu/request.hpp"

namespace percival::percpu {

enum class FirstChunkError : u8 {
    StaticTooLarge,
    ReservedTooLarge, // the static and the reserved part together do not fit
    DynamicTooLarge,  // all three parts together do not fit
};

struct FirstChunk {
    Bytes reserved_begin;
    Bytes dynamic_begin;
    Bytes size;

    // Lays out parts of these sizes in a unit of at most `room` bytes, such as a CPU's slab. The bytes that
    // rounding up to whole pages adds belong to the dynamic part.
    static constexpr std::expected<FirstChunk, FirstChunkError> carve(Bytes static_size, Bytes reserved_size,
                                                                      Bytes dynamic_size, Bytes page,
                                                                      Bytes room)
    {
        const Bytes whole_pages = room.align_down(page);
        // Each size is compared with the room that is left: sums of sizes could overflow.
        if (static_size > whole_pages)
            return std::unexpected{FirstChunkError::StaticTooLarge};
        const Bytes reserved_begin = static_size.align_up(kGrain);
        if (reserved_size > whole_pages - reserved_begin)
            return std::unexpected{FirstChunkError::ReservedTooLarge};
        const Bytes dynamic_begin = (reserved_begin + reserved_size).align_up(kGrain);
        if (dynamic_size > whole_pages - dynamic_begin)
            return std::unexpected{FirstChunkError::DynamicTooLarge};
        return FirstChunk{reserved_begin, dynamic_begin, (dynamic_begin + dynamic_size).align_up(page)};
    }

    friend constexpr bool operator==(FirstChunk, FirstChunk) = default;
};

} // namespace percival::percpu

// SPDX-License-Identifier: BSD-2-Clause
// The first percpu chunk, whose memory is there from boot on:
//
//      |  static  |  reserved  |        dynamic        |
//      0          reserved_    dynamic_                size
//                 begin        begin
//
// The static part is the linked .percpu section. The reserved part is for the static percpu variables of code
// that is loaded later, and the dynamic one serves allocations before there is another chunk. Two maps
// (ChunkMap) over the same unit hand out the last two; neither can touch the static part.
//
// Pure computation: boot only, on the host too.
//
// INV-percpu_first_chunk-1: the parts follow each other at whole grains, have at least the sizes asked for,
//                           and fill whole pages, no more than there is room for.
#pragma once

#include "mm/percpu/request.hpp"

namespace percival::percpu {

enum class FirstChunkError : u8 {
    StaticTooLarge,
    ReservedTooLarge, // together with the static part
    DynamicTooLarge,  // together with both
};

struct FirstChunk {
    Bytes reserved_begin;
    Bytes dynamic_begin;
    Bytes size;

    // Parts of these sizes in a unit of `room` at most, such as a CPU's slab. What rounding to whole pages
    // leaves goes to the dynamic part.
    static constexpr std::expected<FirstChunk, FirstChunkError> carve(Bytes static_size, Bytes reserved_size,
                                                                      Bytes dynamic_size, Bytes page,
                                                                      Bytes room)
    {
        const Bytes whole_pages = room.align_down(page);
        // By what is left, which no size can overflow.
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

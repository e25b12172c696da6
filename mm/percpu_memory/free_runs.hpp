// SPDX-License-Identifier: BSD-2-Clause
// How much is free in a piece of a bitmap, and where the longest run of free grains is. A block of a percpu
// chunk keeps one of these and so does the chunk, so that whether something fits is known without a look at
// the bits.
//
// The caller serializes calls. Any context, on the host too.
//
// INV-percpu_free_runs-1: `free` grains of the piece are free; those of [largest_at, largest_at + largest)
//                         are, and no run of free grains in the piece is longer.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>

namespace percival::percpu {

// The grains [begin, end).
struct GrainRun {
    u32 begin;
    u32 end;

    constexpr u32 length() const { return end - begin; }
    friend constexpr bool operator==(GrainRun, GrainRun) = default;
};

struct FreeRuns {
    u32 free{0};
    u32 largest{0};
    u32 largest_at{0};

    // Grains that were free are taken. False: which run is the longest now has to be looked for.
    //
    // That is rare. Only what comes out of the longest run can change the answer, and what is left of that
    // run on one side,
    //
    //      |..########..|     largest      |##...#....|          largest, before
    //                   |..taken...| left  |                     and after
    //
    // is still the longest if all grains outside it together are not more.
    [[nodiscard]] constexpr bool take(GrainRun taken)
    {
        const u32 outside = free - largest;
        free -= taken.length();
        if (taken.begin < largest_at || taken.begin >= largest_at + largest)
            return true;
        const u32 before = taken.begin - largest_at;
        const u32 after = largest_at + largest - taken.end;
        if (std::max(before, after) < outside)
            return false;
        largest = std::max(before, after);
        if (after > before)
            largest_at = taken.end;
        return true;
    }

    // The same grains and the longest run, where that begins or ends at them.
    constexpr GrainRun joined_to_largest(GrainRun run) const
    {
        if (run.end == largest_at && largest != 0)
            run.end += largest;
        else if (run.begin == largest_at + largest && largest != 0)
            run.begin = largest_at;
        return run;
    }

    // `count` grains have become free; they are part of `run` now, all of which is free.
    constexpr void put(u32 count, GrainRun run)
    {
        free += count;
        propose(run);
    }

    // For the search for the longest run: there is this one.
    constexpr void propose(GrainRun run)
    {
        if (run.length() > largest) {
            largest = run.length();
            largest_at = run.begin;
        }
    }
};

} // namespace percival::percpu

// SPDX-License-Identifier: BSD-2-Clause
// The number of free grains in a section of a bitmap, and its longest run of free grains. The map of a percpu
// chunk keeps a FreeRuns for each block and one for the whole chunk, and so knows without reading the bits
// whether a request may fit.
//
// The caller serializes calls. Any context; runs on the host too.
//
// INV-percpu_free_runs-1: `free` grains of the section are free. The grains [largest_at, largest_at +
//     largest) are free, and no run of free grains in the section is longer.
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

    // Accounts for free grains that are taken. Returns false if the caller has to search for the longest run.
    //
    // That is rare: only grains taken out of the longest run can make another run the longest. Even then the
    // larger rest of that run,
    //
    //      |..########..|     largest      |##...#....|          largest, before
    //                   |..taken...| rest  |                     and after
    //
    // is still the longest if there are no more free grains outside the run than in the rest.
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

    // Returns `run`, extended by the longest run if the two touch.
    constexpr GrainRun joined_to_largest(GrainRun run) const
    {
        if (run.end == largest_at && largest != 0)
            run.end += largest;
        else if (run.begin == largest_at + largest && largest != 0)
            run.begin = largest_at;
        return run;
    }

    // Accounts for `count` grains that became free. `run` is the free run that they are part of now.
    constexpr void put(u32 count, GrainRun run)
    {
        free += count;
        propose(run);
    }

    // Makes `run`, which is free, the longest run if it is longer.
    constexpr void propose(GrainRun run)
    {
        if (run.length() > largest) {
            largest = run.length();
            largest_at = run.begin;
        }
    }
};

} // namespace percival::percpu

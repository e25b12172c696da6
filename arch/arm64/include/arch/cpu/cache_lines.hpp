// SPDX-License-Identifier: BSD-2-Clause
// The sizes of cache lines, as CTR_EL0 reports them. Pure functions, any context.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>

namespace percival::arch {

// The smallest instruction and data cache lines of one CPU or of several, as log2 of their bytes. Maintenance
// by address acts on every CPU's caches but on one line each, so a loop over a range has to step by the
// smallest line of all CPUs. CPUs of one machine may differ (big.LITTLE).
struct CacheLines {
    u8 instruction{kUnknown};
    u8 data{kUnknown};

    static constexpr u8 kUnknown = 63; // larger than any line

    // From a value of CTR_EL0, whose IminLine and DminLine count words.
    static constexpr CacheLines of(u64 ctr)
    {
        return {static_cast<u8>((ctr & 0xf) + 2), static_cast<u8>((ctr >> 16 & 0xf) + 2)};
    }
    constexpr CacheLines smallest_with(CacheLines other) const
    {
        return {std::min(instruction, other.instruction), std::min(data, other.data)};
    }
    constexpr bool operator==(const CacheLines&) const = default;
};

// The largest Cache Writeback Granule that known cores report, in bytes. What one CPU writes past its caches
// and another CPU writes through them lies in different granules.
inline constexpr u64 kMaxWritebackGranule = 256;

// Returns whether a CPU with this CTR_EL0 writes back no more than kMaxWritebackGranule bytes at once. A CWG
// of 0 reports nothing, and counts as the size of known cores.
constexpr bool writeback_granule_is_known(u64 ctr)
{
    return u64{4} << (ctr >> 24 & 0xf) <= kMaxWritebackGranule;
}

} // namespace percival::arch

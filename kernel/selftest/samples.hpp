// SPDX-License-Identifier: BSD-2-Clause
// Samples of one measurement, and what is said of them. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace percival {

// Three samples of an order, in the unit of the samples.
struct Distribution {
    u64 minimum;
    u64 median;
    u64 p99; // 99 of 100 samples are not above it
    friend constexpr bool operator==(const Distribution&, const Distribution&) = default;
};

// Up to `kCount` samples. One in which something else ran is thrown away and counted.
template <std::size_t kCount>
class Samples {
public:
    bool is_full() const { return kept_ == kCount; }
    std::size_t thrown_away() const { return thrown_away_; }

    void keep(u64 value)
    {
        if (!is_full())
            values_[kept_++] = value;
    }
    void throw_away() { ++thrown_away_; }

    // Returns the distribution of the samples kept, of which there is at least one.
    Distribution distribution()
    {
        const auto sorted = std::span{values_}.first(kept_);
        std::ranges::sort(sorted);
        // The rank of a percentile: the least number of samples that are at least that share of all.
        const auto ranked = [sorted](std::size_t percent) {
            return sorted[std::max<std::size_t>((sorted.size() * percent + 99) / 100, 1) - 1];
        };
        return {sorted.front(), ranked(50), ranked(99)};
    }

private:
    std::array<u64, kCount> values_{};
    std::size_t kept_ = 0;
    std::size_t thrown_away_ = 0;
};

} // namespace percival

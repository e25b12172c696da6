// SPDX-License-Identifier: BSD-2-Clause
// The pairs of CPUs that a probe tries.
#pragma once

#include "kernel/cpus/online.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/print.hpp"

#include <string_view>

namespace percival {

struct CpuPair {
    CpuId writer;
    CpuId observer; // the same CPU if it is the only one

    bool is_alone() const { return writer == observer; }
};

inline constexpr u32 kMostPairs = 8;
using CpuPairs = BoundedVector<CpuPair, kMostPairs>;

// Returns each online CPU with the next one, and the last with the first; of many CPUs, at even distances,
// kMostPairs of these pairs. A CPU that is alone is a pair by itself.
inline CpuPairs pairs_of_online_cpus()
{
    CpuPairs pairs;
    const u32 apart = (online_cpu_count() + kMostPairs - 1) / kMostPairs;
    u32 number = 0;
    CpuId first{}, writer{};
    bool is_open = false; // the writer has no observer yet
    for_each_online_cpu([&](CpuId cpu) {
        if (is_open)
            static_cast<void>(pairs.push({writer, cpu}));
        if (number == 0)
            first = cpu;
        is_open = number++ % apart == 0;
        writer = cpu;
    });
    if (is_open)
        static_cast<void>(pairs.push({writer, first}));
    return pairs;
}

// Says which pairs a probe does not try, if it does not try all.
inline void say_pairs(std::string_view probe, const CpuPairs& pairs)
{
    if (pairs.size() < online_cpu_count())
        print("probe: {}: of {} pairs of neighbours {} are tried", probe, online_cpu_count(), pairs.size());
}

} // namespace percival

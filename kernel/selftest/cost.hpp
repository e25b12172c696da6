// SPDX-License-Identifier: BSD-2-Clause
// What a turn of a loop costs, from what samples of it and of the empty loop counted. Any context, also on
// the host.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/selftest/known_loops.hpp"
#include "kernel/selftest/samples.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace percival {

inline constexpr std::size_t kSamples = 200;

// What kSamples samples counted.
struct Sampled {
    Distribution cycles; // of a sample
    u64 tlb_refills;     // of all samples kept
    u64 tlb_walks;
    u64 thrown_away;
};

// What a turn costs in the counters that are believed. The unit is hundredths per turn.
struct Cost {
    Distribution cycles;
    std::optional<u64> tlb_refills; // of all samples kept
    std::optional<u64> tlb_walks;
    u64 thrown_away; // samples in which this CPU took an exception or a counter overflowed

    constexpr Cost divided_by(u64 divisor) const
    {
        const auto divided = [divisor](std::optional<u64> value) {
            return value.transform([divisor](u64 all) { return all / divisor; });
        };
        return {.cycles = {cycles.minimum / divisor, cycles.median / divisor, cycles.p99 / divisor},
                .tlb_refills = divided(tlb_refills),
                .tlb_walks = divided(tlb_walks),
                .thrown_away = thrown_away};
    }
};

// Returns by how much `all` is more than `part`, in hundredths for each of `of`.
constexpr u64 hundredths_more(u64 all, u64 part, u64 of)
{
    return (all - std::min(all, part)) * 100 / of;
}

// Returns what a turn costs if a sample has `turns` of them. The lowest sample of the empty loop is the cost
// of the loop itself.
constexpr Cost cost_between(const Sampled& with, const Sampled& without, u64 turns,
                            const CounterVerdicts& verdicts)
{
    const auto cycles = [turns, least = without.cycles.minimum](u64 of_sample) {
        return hundredths_more(of_sample, least, turns);
    };
    const auto events = [turns](std::string_view wrong, u64 all, u64 part) -> std::optional<u64> {
        if (!wrong.empty())
            return std::nullopt;
        return hundredths_more(all, part, turns * kSamples);
    };
    return {.cycles = {cycles(with.cycles.minimum), cycles(with.cycles.median), cycles(with.cycles.p99)},
            .tlb_refills = events(verdicts.tlb_refills, with.tlb_refills, without.tlb_refills),
            .tlb_walks = events(verdicts.tlb_walks, with.tlb_walks, without.tlb_walks),
            .thrown_away = with.thrown_away};
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// What benchmarks measure with: the counters of this CPU's PMU, each checked against known loops first, and
// loops run under them. The caller is a thread that stays on its CPU.
#pragma once

#include "kernel/selftest/known_loops.hpp"
#include "kernel/selftest/samples.hpp"

#include <optional>

namespace percival {

// Code that runs `turns` times in a row.
struct Loop {
    void (*run)(const void* turn, u64 turns);
    const void* turn;
};

// What a turn costs in the counters that are believed. The unit is hundredths per turn.
struct Cost {
    Distribution cycles;
    std::optional<u64> tlb_refills; // of all samples kept
    std::optional<u64> tlb_walks;
    u64 thrown_away; // samples in which this CPU took an exception or a counter overflowed

    Cost divided_by(u64 divisor) const;
};

inline constexpr std::size_t kSamples = 200;
inline constexpr u64 kTurnsPerSample = 100;

// What kSamples samples of kTurnsPerSample turns each counted.
struct Sampled {
    Distribution cycles; // of a sample
    u64 tlb_refills;     // of all samples kept
    u64 tlb_walks;
    u64 thrown_away;
};

// Runs a loop until kSamples samples are kept, whether or not the counters are believed. Returns nothing if
// as many were thrown away before. This CPU has the counters (arch::RunningCounters::are_here()).
std::optional<Sampled> sample(Loop loop);

// Runs the known loops on this CPU. What the functions below return then depends on the verdicts.
const CounterVerdicts& check_counters();

// Returns the instructions of `turns` turns, all together: the lowest of several rounds, because an interrupt
// can only add instructions. Means something only where arch::counts_instructions().
u64 instructions_of_loop(Loop loop, u64 turns);

// Returns what a turn of `loop` costs more than one of `empty`; nothing where cycles are not believed, or
// where too many samples had to be thrown away, as those of an operation that takes an exception.
std::optional<Cost> cost_of_loop(Loop loop, Loop empty);

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// What benchmarks measure with: the counters of this CPU's PMU, each checked against known loops first, and
// loops run under them. The caller is a thread that stays on its CPU.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/selftest/cost.hpp"
#include "kernel/selftest/known_loops.hpp"

#include <optional>

namespace percival {

// Code that runs `turns` times in a row.
struct Loop {
    void (*run)(const void* turn, u64 turns);
    const void* turn;
};

inline constexpr u64 kTurnsPerSample = 100;
// Rounds of what is counted at its lowest: an interrupt can only add.
inline constexpr u32 kMeasuringRounds = 9;

// What is done before each sample, outside of it; nothing if `work` is null.
struct Preparation {
    void (*work)(const void* turn);
};
inline constexpr Preparation kWarm{nullptr};

// Runs a loop until kSamples samples are kept, whether or not the counters are believed. Returns nothing if
// as many were thrown away before. This CPU has the counters (arch::RunningCounters::are_here()).
std::optional<Sampled> sample(Loop loop, u64 turns = kTurnsPerSample, Preparation preparation = kWarm);

// Runs the known loops on this CPU. What the functions below return then depends on the verdicts.
const CounterVerdicts& check_counters();
// Returns the verdicts of the last check_counters().
const CounterVerdicts& counter_verdicts();

// Returns the instructions of `turns` turns, all together: the lowest of several rounds, because an interrupt
// can only add instructions. Means something only where arch::counts_instructions().
u64 instructions_of_loop(Loop loop, u64 turns);

// Returns what a turn of `loop` costs more than one of `empty`, by samples of `turns` turns; nothing where
// cycles are not believed, or where too many samples had to be thrown away, as those of an operation that
// takes an exception.
std::optional<Cost> cost_of_loop(Loop loop, Loop empty, u64 turns = kTurnsPerSample);

// The same for a single turn after `preparation`, which makes caches or TLBs cold.
std::optional<Cost> cost_of_cold_turn(Loop loop, Loop empty, Preparation preparation);

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Benchmarks that run inside the kernel and count instructions. A definition like this one, anywhere in the
// image, adds a benchmark:
//
//     PERCIVAL_BENCHMARK(this_cpu_add, "this_cpu")
//     {
//         return instructions_per_turn([] { counter.add(1); });
//     }
//
// The unit is guest instructions per operation, without the cost of the loop, from the PMU event
// INST_RETIRED. The event is exact on hardware. Under QEMU -icount it is exact too, but counts all CPUs
// together, so the other CPUs sleep meanwhile.
#pragma once

#include "arch/cpu/performance_counter.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace percival {

struct BenchmarkResult {
    u64 hundredths; // of an instruction
    // Benchmarks that make tables also report the table pages made and the TLB invalidations issued.
    std::optional<u64> tables{};
    std::optional<u64> invalidations{};
    // Memory in use for the operation, tables included.
    std::optional<u64> bytes{};
};

struct Benchmark {
    const char* name;
    // What the result depends on. "this_cpu": the mode of the this_cpu operations; the benchmark runs in
    // each. "window": whether the percpu windows are linked or mapped. "-": neither of these.
    const char* mode;
    BenchmarkResult (*measure)();
};

// Runs the benchmarks whose names match one of the globs and prints a `bench: {json}` line for each. Returns
// Failed if none matches or the CPU has no counter. Boot CPU only, while the other CPUs are idle.
Verdict run_benchmarks(std::string_view globs);

inline constexpr u64 kBenchmarkTurns = 1000;
inline constexpr u32 kBenchmarkRounds = 9;

// Returns the instructions of one loop over `turn`, all turns together. Takes the lowest of several rounds,
// because an interrupt can only add instructions.
template <class Turn>
[[gnu::noinline]] u64 instructions_of_loop(Turn turn)
{
    u64 best = ~u64{0};
    for (u32 round = 0; round < kBenchmarkRounds; ++round) {
        const u64 before = arch::instructions_retired();
#pragma clang loop unroll(disable)
        for (u64 i = 0; i < kBenchmarkTurns; ++i) {
            turn();
            asm volatile("" : "+r"(i)); // keeps the empty loop, and makes both loops alike
        }
        // Every PMU has counters of at least 32 bits.
        best = std::min<u64>(best, static_cast<u32>(arch::instructions_retired() - before));
    }
    return best;
}

// Returns the instructions that one call of `turn` adds to a loop.
template <class Turn>
BenchmarkResult instructions_per_turn(Turn turn)
{
    const u64 empty = instructions_of_loop([] {});
    const u64 full = instructions_of_loop(turn);
    return {(full - std::min(full, empty)) * 100 / kBenchmarkTurns};
}

} // namespace percival

#define PERCIVAL_BENCHMARK(name, mode)                                                                   \
    static ::percival::BenchmarkResult benchmark_##name();                                               \
    static constinit const ::percival::Benchmark benchmark_entry_##name{#name, mode, &benchmark_##name}; \
    [[gnu::section("benchmarks"), gnu::used,                                                             \
      gnu::retain]] static constinit const ::percival::Benchmark* const benchmark_pointer_##name =       \
        &benchmark_entry_##name;                                                                         \
    static ::percival::BenchmarkResult benchmark_##name()

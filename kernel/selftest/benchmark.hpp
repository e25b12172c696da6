// SPDX-License-Identifier: BSD-2-Clause
// Benchmarks that run inside the kernel and count instructions. One line adds one, anywhere in the image:
//
//     PERCIVAL_BENCHMARK(this_cpu_add, "this_cpu")
//     {
//         return instructions_per_turn([] { counter.add(1); });
//     }
//
// The unit is guest instructions per operation, the cost of the loop subtracted, from the PMU's INST_RETIRED
// event. The event is exact on hardware and under QEMU -icount, where it counts all CPUs together: the others
// sleep meanwhile.
#pragma once

#include "arch/cpu/performance_counter.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace percival {

// In hundredths of an instruction.
struct BenchmarkResult {
    u64 hundredths;
    // Besides: table pages made and TLB invalidations issued, for what makes tables.
    std::optional<u64> tables{};
    std::optional<u64> invalidations{};
    // And the memory that is in use for it, tables included.
    std::optional<u64> bytes{};
};

struct Benchmark {
    const char* name;
    // What it depends on: "this_cpu", the mode of the this_cpu operations, in each of which it runs; "window",
    // whether the percpu windows are linked or mapped; "-", neither, much.
    const char* mode;
    BenchmarkResult (*measure)();
};

// Runs the benchmarks whose names match one of the globs and prints a `bench: {json}` line for each. Failed
// when none matches or the CPU has no counter. Boot CPU, the others idle.
Verdict run_benchmarks(std::string_view globs);

inline constexpr u64 kBenchmarkTurns = 1000;
inline constexpr u32 kBenchmarkRounds = 9;

// Instructions of one loop over `turn`, all turns together, the best of several rounds: an interrupt can only
// add to it.
template <class Turn>
[[gnu::noinline]] u64 instructions_of_loop(Turn turn)
{
    u64 best = ~u64{0};
    for (u32 round = 0; round < kBenchmarkRounds; ++round) {
        const u64 before = arch::instructions_retired();
#pragma clang loop unroll(disable)
        for (u64 i = 0; i < kBenchmarkTurns; ++i) {
            turn();
            asm volatile("" : "+r"(i)); // keeps the empty loop a loop, and both loops alike
        }
        // 32 bits are what every PMU has.
        best = std::min<u64>(best, static_cast<u32>(arch::instructions_retired() - before));
    }
    return best;
}

// Instructions that one call of `turn` adds to a loop.
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

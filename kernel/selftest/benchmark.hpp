// SPDX-License-Identifier: BSD-2-Clause
// Benchmarks that run inside the kernel and count instructions. A definition like this one, anywhere in the
// image, adds a benchmark:
//
//     PERCIVAL_BENCHMARK(this_cpu_add, ThisCpu)
//     {
//         return instructions_per_turn([] { counter.add(1); });
//     }
//
// The unit is instructions per operation, without the cost of the loop, from the PMU event INST_RETIRED. The
// event is exact on hardware. Under QEMU -icount it is exact too, but counts all CPUs together, so the other
// CPUs sleep meanwhile. Where the PMU counts cycles, loops are also measured in cycles, and in refills and
// walks of the TLB (kernel/selftest/instrument.hpp).
#pragma once

#include "arch/cpu/performance_counter.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/selftest/instrument.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace percival {

struct BenchmarkResult {
    u64 hundredths;             // of an instruction
    std::optional<Cost> cost{}; // of what is measured in a loop, where cycles are counted
    // Benchmarks that make tables also report the table pages made and the TLB invalidations issued.
    std::optional<u64> tables{};
    std::optional<u64> invalidations{};
    // Memory in use for the operation, tables included.
    std::optional<u64> bytes{};
    // Of whole experiments: the instructions of all CPUs for all operations together, how often an operation
    // took its slow path, and the bytes of addresses that are in use.
    std::optional<u64> total{};
    std::optional<u64> slow_paths{};
    std::optional<u64> address_space{};
    // Why this machine cannot run the benchmark; empty if it can. The other members mean nothing then.
    std::string_view missing{};

    // Returns the share of one of `parts` equal parts of what was measured.
    BenchmarkResult divided_by(u64 parts) const
    {
        BenchmarkResult share = *this;
        share.hundredths = hundredths / parts;
        share.cost = cost.transform([parts](const Cost& whole) { return whole.divided_by(parts); });
        return share;
    }
};

// What a result depends on.
enum class BenchmarkMode : u8 {
    None,             // neither of the following
    Core,             // neither, and no other CPU takes part
    ThisCpu,          // the mode of the this_cpu operations; the benchmark runs in each
    ThisCpuOnAllCpus, // that mode, and other CPUs take part
    Window,           // whether the percpu windows are linked or mapped
};

struct Benchmark {
    const char* name;
    BenchmarkMode mode;
    BenchmarkResult (*measure)();
};

// Runs the benchmarks whose names match one of the globs and prints a `bench: {json}` line for each. On a
// machine with several kinds of cores, which MIDR_EL1 tells, those of ThisCpu and Core run on the first CPU
// of each kind and all others on the boot CPU, and each line names its core. A kind whose PMU does not count
// is left out, with a line. Returns Failed if none matches or no kind counts. In a thread that may move and
// starts on the boot CPU, while the other CPUs are idle.
Verdict run_benchmarks(std::string_view globs);

inline constexpr u64 kBenchmarkTurns = 1000;

// Returns what one call of a loop's turn costs. The loops are alike but for the turn.
BenchmarkResult cost_per_turn(Loop loop, Loop empty);

// The same for a single turn after `preparation`. Instructions are those of a loop: they do not depend on it.
// So the result is missing where cycles are not counted.
BenchmarkResult cost_per_cold_turn(Loop loop, Loop empty, Preparation preparation);

// A loop over `turn`, which outlives it.
template <class Turn>
Loop loop_over(const Turn& turn)
{
    return {[](const void* given, u64 turns) {
                Turn own = *static_cast<const Turn*>(given); // in registers
#pragma clang loop unroll(disable)
                for (u64 i = 0; i < turns; ++i) {
                    own();
                    asm volatile("" : "+r"(i)); // keeps the empty loop, and makes both loops alike
                }
            },
            &turn};
}

inline constexpr auto kNothing = [] {}; // one type, so that there is one empty loop

// Returns what one call of `turn` adds to a loop.
template <class Turn>
BenchmarkResult instructions_per_turn(Turn turn)
{
    return cost_per_turn(loop_over(turn), loop_over(kNothing));
}

} // namespace percival

#define PERCIVAL_BENCHMARK(name, mode)                                                             \
    static ::percival::BenchmarkResult benchmark_##name();                                         \
    static constinit const ::percival::Benchmark benchmark_entry_##name{                           \
        #name, ::percival::BenchmarkMode::mode, &benchmark_##name};                                \
    [[gnu::section("benchmarks"), gnu::used,                                                       \
      gnu::retain]] static constinit const ::percival::Benchmark* const benchmark_pointer_##name = \
        &benchmark_entry_##name;                                                                   \
    static ::percival::BenchmarkResult benchmark_##name()

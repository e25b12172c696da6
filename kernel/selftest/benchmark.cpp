// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/benchmark.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/inspect/boot_timeline.hpp"
#include "kernel/lib/glob.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/percpu/mode.hpp"
#include "mm/percpu/window.hpp"

#include <span>

extern "C" const percival::Benchmark* const __start_benchmarks[];
extern "C" const percival::Benchmark* const __stop_benchmarks[];

namespace percival {
namespace {

bool depends_on_percpu_mode(const Benchmark& benchmark)
{
    return benchmark.mode == std::string_view{"this_cpu"};
}

std::string_view mode_of(const Benchmark& benchmark)
{
    if (depends_on_percpu_mode(benchmark))
        return name_of(arch::percpu_form().mode);
    if (benchmark.mode != std::string_view{"window"})
        return benchmark.mode;
    return percpu::window == percpu::Window::Linked ? "linked" : "mapped";
}

void print_result(const Benchmark& benchmark, BenchmarkResult result)
{
    std::array<char, kLineLength> room;
    Writer json{room};
    json.put('{');
    format(json, "\"name\":\"{}\",\"mode\":\"{}\",\"cpus\":{},\"instructions\":{}.{:02}", benchmark.name,
           mode_of(benchmark), online_cpu_count(), result.hundredths / 100, result.hundredths % 100);
    if (result.tables)
        format(json, ",\"tables\":{}", *result.tables);
    if (result.invalidations)
        format(json, ",\"tlbis\":{}", *result.invalidations);
    if (result.bytes)
        format(json, ",\"bytes\":{}", *result.bytes);
    json.put('}');
    print("bench: {}", json.text());
}

// Runs the benchmark once, or in every mode of this build if its result depends on the percpu mode.
void run_benchmark(const Benchmark& benchmark)
{
    if (!depends_on_percpu_mode(benchmark))
        return print_result(benchmark, benchmark.measure());
    for_each_percpu_mode([&benchmark](arch::PercpuMode) { print_result(benchmark, benchmark.measure()); });
}

bool matches_any(std::string_view globs, std::string_view name)
{
    bool matches = false;
    for (const std::string_view glob : ListItems{globs})
        matches = matches || glob_matches(glob, name);
    return matches;
}

PERCIVAL_BENCHMARK(boot_to_selftest, "-")
{
    return {boot_instructions() * 100};
}

} // namespace

Verdict run_benchmarks(std::string_view globs)
{
    if (!arch::counts_instructions()) {
        print(
            "bench: this CPU does not count instructions (PMCEID0_EL0.INST_RETIRED; QEMU does with -icount)");
        return Verdict::Failed;
    }
    u32 run = 0;
    for (const Benchmark* benchmark : std::span{__start_benchmarks, __stop_benchmarks}) {
        if (!matches_any(globs, benchmark->name))
            continue;
        run_benchmark(*benchmark);
        ++run;
    }
    if (run == 0)
        print("bench: no benchmark matches {}", globs);
    return run == 0 ? Verdict::Failed : Verdict::Passed;
}

} // namespace percival

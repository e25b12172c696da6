// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/benchmark.hpp"

#include "arch/cpu/exception_level.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/inspect/boot_timeline.hpp"
#include "kernel/lib/glob.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/selftest/core_kinds.hpp"
#include "kernel/selftest/cost_fields.hpp"
#include "mm/percpu/window.hpp"

#include <span>

extern "C" const percival::Benchmark* const __start_benchmarks[];
extern "C" const percival::Benchmark* const __stop_benchmarks[];

namespace percival {
namespace {

bool depends_on_percpu_mode(const Benchmark& benchmark)
{
    return benchmark.mode == BenchmarkMode::ThisCpu || benchmark.mode == BenchmarkMode::ThisCpuOnAllCpus;
}

// Returns whether the benchmark tells something of the core that it runs on, and of no other.
bool is_of_one_core(const Benchmark& benchmark)
{
    return benchmark.mode == BenchmarkMode::ThisCpu || benchmark.mode == BenchmarkMode::Core;
}

// Calls f(cpu) for the first online CPU of each kind of core. The boot CPU is the first of all.
template <class F>
void for_each_kind_of_core(F f)
{
    for_first_of_each_kind([](auto visit) { for_each_online_cpu(visit); },
                           [](CpuId cpu) { return cpu_features(cpu).midr; }, f);
}

bool has_several_kinds_of_cores()
{
    u32 kinds = 0;
    for_each_kind_of_core([&kinds](CpuId) { ++kinds; });
    return kinds > 1;
}

std::string_view mode_of(const Benchmark& benchmark)
{
    if (depends_on_percpu_mode(benchmark))
        return name_of(arch::percpu_form().mode);
    if (benchmark.mode == BenchmarkMode::Window)
        return name_of(percpu::window);
    return "-";
}

void put_count(Writer& json, std::string_view name, std::optional<u64> count)
{
    if (count)
        format(json, ",\"{}\":{}", name, *count);
}

// With `names_core` the line says on which kind of core it was measured.
void print_result(const Benchmark& benchmark, BenchmarkResult result, bool names_core)
{
    if (!result.missing.empty())
        return print("instrument: {}: not measured: {}", benchmark.name, result.missing);
    std::array<char, kLineLength> room;
    Writer json{room};
    json.put('{');
    format(json, "\"name\":\"{}\",\"mode\":\"{}\",\"roots\":\"{}\",\"cpus\":{},\"instructions\":{}.{:02}",
           benchmark.name, mode_of(benchmark), percpu::roots_are_common() ? "common" : "private",
           online_cpu_count(), result.hundredths / 100, result.hundredths % 100);
    if (percpu::roots_are_common())
        format(json, ",\"cnp\":{}", u32{arch::root_is_common_not_private()});
    if (arch::runs_at_el2())
        json.put(",\"el\":2");
    if (names_core) {
        json.put(",\"core\":\"");
        arch::describe_cpu(json, cpu_features(this_cpu_id()).midr);
        json.put('"');
    }
    if (result.cost)
        put_cost(json, *result.cost);
    put_count(json, "total", result.total);
    put_count(json, "slow_paths", result.slow_paths);
    put_count(json, "tables", result.tables);
    put_count(json, "tlbis", result.invalidations);
    put_count(json, "bytes", result.bytes);
    put_count(json, "address_space", result.address_space);
    json.put('}');
    print("bench: {}", json.text());
}

// Runs the benchmark once, or in every mode of this build if its result depends on the percpu mode.
void run_benchmark(const Benchmark& benchmark, bool names_core)
{
    const auto measure = [&] { print_result(benchmark, benchmark.measure(), names_core); };
    if (!depends_on_percpu_mode(benchmark))
        return measure();
    for_each_percpu_mode([&measure](arch::PercpuMode) { measure(); });
}

PERCIVAL_BENCHMARK(boot_to_selftest, None)
{
    return {boot_instructions() * 100};
}

u64 instructions_more(Loop loop, Loop empty)
{
    const u64 without = instructions_of_loop(empty, kBenchmarkTurns);
    const u64 with = instructions_of_loop(loop, kBenchmarkTurns);
    return (with - std::min(with, without)) * 100 / kBenchmarkTurns;
}

// Checks the counters of this CPU, and says of each whether it is believed, as an emulator's are not. Returns
// whether something can be measured here.
bool check_and_print_counters(bool names_core)
{
    std::array<char, kLineLength> room;
    Writer core{room};
    if (names_core) {
        format(core, "cpu{}, ", this_cpu_id());
        arch::describe_cpu(core, cpu_features(this_cpu_id()).midr);
        core.put(": ");
    }
    const auto print_counter = [&core](std::string_view name, std::string_view wrong) {
        print("instrument: {}{}: {}{}", core.text(), name,
              wrong.empty() ? "counted" : "not counted: ", wrong);
    };
    const CounterVerdicts& counters = check_counters();
    print_counter("instructions", counters.instructions);
    print_counter("cycles", counters.cycles);
    print_counter("tlb_refills", counters.tlb_refills);
    print_counter("tlb_walks", counters.tlb_walks);
    if (!counters.instructions.empty())
        print("instrument: {}nothing is measured without instructions; QEMU counts them with -icount",
              core.text());
    return counters.instructions.empty();
}

} // namespace

BenchmarkResult cost_per_turn(Loop loop, Loop empty)
{
    return {.hundredths = instructions_more(loop, empty), .cost = cost_of_loop(loop, empty)};
}

BenchmarkResult cost_per_cold_turn(Loop loop, Loop empty, Preparation preparation)
{
    const auto cost = cost_of_cold_turn(loop, empty, preparation);
    if (!cost)
        return {.hundredths = 0, .missing = "only cycles would tell, and none are counted"};
    return {.hundredths = instructions_more(loop, empty), .cost = cost};
}

Verdict run_benchmarks(std::string_view globs)
{
    const CpuSet before = current_thread().affinity;
    const bool names_core = has_several_kinds_of_cores();
    bool is_measured = false;
    u32 matching = 0;
    for_each_kind_of_core([&](CpuId cpu) {
        set_affinity(current_thread(), CpuSet::only(cpu));
        if (!check_and_print_counters(names_core))
            return;
        is_measured = true;
        for (const Benchmark* benchmark : std::span{__start_benchmarks, __stop_benchmarks}) {
            if (cpu != kBootCpu && !is_of_one_core(*benchmark))
                continue;
            if (!any_glob(globs,
                          [benchmark](std::string_view glob) { return glob_matches(glob, benchmark->name); }))
                continue;
            run_benchmark(*benchmark, names_core);
            ++matching;
        }
    });
    set_affinity(current_thread(), before);
    if (is_measured && matching == 0)
        print("bench: no benchmark matches {}", globs);
    return matching == 0 ? Verdict::Failed : Verdict::Passed;
}

} // namespace percival

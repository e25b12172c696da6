// SPDX-License-Identifier: BSD-2-Clause
// Measures users of percpu memory, and heavy use: counters, reference counts, allocation on eight CPUs at
// once, and the memory and tables of 10,000 objects with three counters each.
#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/percpu/counter.hpp"
#include "kernel/percpu/ref.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/settled_memory.hpp"

namespace percival {
namespace {

PERCIVAL_BENCHMARK(percpu_counter_add, ThisCpu)
{
    // The batch is so large that it is never reached, because folding is measured elsewhere.
    PercpuCounter counter = must(PercpuCounter::make(0, 1 << 29));
    return instructions_per_turn([&counter] { counter.add(1); });
}

// Includes a fold for every 32nd add.
PERCIVAL_BENCHMARK(percpu_counter_add_batch_32, ThisCpu)
{
    PercpuCounter counter = must(PercpuCounter::make(0, 32));
    return instructions_per_turn([&counter] { counter.add(1); });
}

// Takes longer with more CPUs, whose values are added up.
PERCIVAL_BENCHMARK(percpu_counter_sum, None)
{
    const PercpuCounter counter = must(PercpuCounter::make());
    return instructions_per_turn([&counter] { static_cast<void>(counter.sum()); });
}

PERCIVAL_BENCHMARK(percpu_ref_get_put, ThisCpu)
{
    PercpuRef ref;
    if (!ref.start([](void*) {}, nullptr))
        panic("no memory for a reference count to measure with");
    const BenchmarkResult result = instructions_per_turn([&ref] {
        ref.get();
        ref.put();
    });
    ref.kill();
    return result;
}

// Per pair, on up to eight CPUs at the same time; the counter counts the instructions of all of them
// together.
PERCIVAL_BENCHMARK(alloc_free_percpu_8_contended, None)
{
    constexpr u32 kMaxContenders = 8;
    constexpr u64 kPairs = 20'000;
    const auto everywhere = [](u64 pairs) {
        const u64 before = arch::instructions_retired();
        run_everywhere([pairs](CpuId cpu) {
            for (u64 n = 0; cpu.index() < kMaxContenders && n < pairs; ++n)
                percpu::free(must(percpu::allocate(Bytes{8}, Bytes{8})));
        });
        return static_cast<u32>(arch::instructions_retired() - before);
    };
    settle_memory();
    everywhere(100);
    const u64 few = everywhere(kPairs);
    const u64 more = everywhere(2 * kPairs);
    return {(more - std::min(few, more)) * 100 / (kPairs * std::min(online_cpu_count(), kMaxContenders))};
}

constexpr u64 kCounters = 30'000;

// From a settled state on. The worker's part comes last.
BenchmarkResult allocate_counters(VirtAddr* places)
{
    settle_memory();
    const WorkWaits until_the_end;
    const u64 tables = mm::kernel_tables().tables_made();
    const u64 used = mm::memory_statistics().used.count();
    const u64 before = arch::instructions_retired();
    for (u64 n = 0; n < kCounters; ++n)
        places[n] = must(percpu::allocate(Bytes{8}, Bytes{8}));
    percpu::store().balance();
    const u64 instructions = static_cast<u32>(arch::instructions_retired() - before);
    const BenchmarkResult result{.hundredths = instructions * 100 / kCounters,
                                 .tables = mm::kernel_tables().tables_made() - tables,
                                 .bytes = mm::memory_statistics().used.count() - used};
    for (u64 n = 0; n < kCounters; ++n)
        percpu::free(places[n]);
    return result;
}

// The second time, when there is a chunk that stays for ever once it has been needed.
PERCIVAL_BENCHMARK(percpu_3_counters_10000_objects, Window)
{
    auto* places = static_cast<VirtAddr*>(must(mm::vmalloc(Bytes{kCounters * sizeof(VirtAddr)})));
    allocate_counters(places);
    const BenchmarkResult result = allocate_counters(places);
    mm::vfree(places);
    settle_memory();
    return result;
}

} // namespace
} // namespace percival

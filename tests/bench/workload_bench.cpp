// SPDX-License-Identifier: BSD-2-Clause
// Measures how the mode of the this_cpu operations affects a whole workload. Up to eight CPUs run a thread
// each, which allocates four pages, maps them, touches them, unmaps and frees them, and counts these events
// as a kernel does. The allocators' own per-CPU statistics are part of it.
#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/vmalloc/vmalloc.hpp"

namespace percival {
namespace {

constexpr u32 kMaxWorkers = 8;
constexpr u64 kPages = 4;
constexpr u64 kTurns = 2'000;

PERCIVAL_PERCPU PerCpu<u64> areas{};
PERCIVAL_PERCPU PerCpu<u64> bytes{};
PERCIVAL_PERCPU PerCpu<u64> touched{};
PERCIVAL_PERCPU PerCpu<s64> in_use{};

void allocate_map_touch_unmap()
{
    constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
    const auto memory = mm::vmalloc(kPage * kPages);
    if (!memory)
        panic("no memory to measure with");
    areas.inc();
    in_use.inc();
    bytes.add(kPages * kPage.count());
    for (u64 page = 0; page < kPages; ++page) {
        static_cast<volatile u8*>(*memory)[page * kPage.count()] = 1;
        touched.inc();
    }
    mm::vfree(*memory);
    in_use.dec();
}

u64 instructions_everywhere(u64 turns)
{
    const u64 before = arch::instructions_retired();
    run_everywhere([turns](CpuId cpu) {
        for (u64 turn = 0; cpu.index() < kMaxWorkers && turn < turns; ++turn)
            allocate_map_touch_unmap();
    });
    return static_cast<u32>(arch::instructions_retired() - before);
}

// The instructions of one turn, averaged over all CPUs that take part.
PERCIVAL_BENCHMARK(allocate_map_touch_unmap, "this_cpu, all CPUs")
{
    instructions_everywhere(kTurns);
    const u64 few = instructions_everywhere(kTurns);
    const u64 more = instructions_everywhere(2 * kTurns);
    return {(more - std::min(few, more)) * 100 / (kTurns * std::min(online_cpu_count(), kMaxWorkers))};
}

} // namespace
} // namespace percival

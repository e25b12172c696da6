// SPDX-License-Identifier: BSD-2-Clause
// Measures how the mode of the this_cpu operations affects whole workloads. These are the experiments with
// which per-CPU page tables were proposed for Linux, in small: groups with percpu counters, threads that come
// and go, memory that is mapped and unmapped, and counters with batches.
//
// The counts are those of the whole machine under QEMU -icount, where the counter counts the instructions of
// all CPUs together. A board's counter counts those of one CPU, so there is nothing to measure on several.
#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/percpu/counter.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/selftest/instrument.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu/window.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/settled_memory.hpp"

namespace percival {
namespace {

// Returns the instructions that all CPUs retire during `part`. They are fewer than 2^32, which the counter
// has room for.
template <class Part>
u64 instructions_of_machine(Part part)
{
    const u64 before = arch::instructions_retired();
    part();
    return static_cast<u32>(arch::instructions_retired() - before);
}

// Returns the instructions of an experiment that has run once from a settled state on: what it makes for
// ever, such as stacks, is there then. What it leaves for later is part of it.
template <class Experiment>
u64 cost_of_second_run(Experiment experiment)
{
    const auto run = [&experiment] {
        experiment();
        mm::flush_freed();
        percpu::finish_balance();
    };
    settle_memory();
    run();
    return instructions_of_machine(run);
}

bool counts_whole_machine()
{
    return online_cpu_count() == 1 || counter_verdicts().is_emulated;
}

constexpr BenchmarkResult kOneCpuCounted{.hundredths = 0,
                                         .missing = "the counter of one CPU does not count what others do"};

// Measures an experiment of so many operations. `idle_cost` is no part of it.
template <class Experiment>
BenchmarkResult on_whole_machine(u64 operations, Experiment experiment, u64 idle_cost = 0)
{
    if (!counts_whole_machine())
        return kOneCpuCounted;
    const u64 all = cost_of_second_run(experiment);
    const u64 total = all - std::min(all, idle_cost);
    return {.hundredths = total * 100 / operations, .total = total};
}

// Measures an experiment of which every CPU does a part, and `operations_each` operations, in a thread of its
// own. The way into these threads is no part of it.
template <class Part>
BenchmarkResult on_every_cpu(u64 operations_each, Part part)
{
    return on_whole_machine(
        operations_each * online_cpu_count(), [&part] { run_everywhere(part); },
        cost_of_second_run([] { run_everywhere([](CpuId) {}); }));
}

// --- Groups

// What a memory cgroup has of every CPU, at least.
struct Group {
    PercpuCounter pages = must(PercpuCounter::make());
    PercpuCounter events = must(PercpuCounter::make());
    PercpuCounter references = must(PercpuCounter::make());
};

constexpr u64 kGroups = 10'000;

// Returns the addresses of all chunks that are in use: in the local window and in the slab of each CPU.
Bytes percpu_addresses()
{
    const percpu::StoreStatistics now = percpu::store().statistics();
    const Bytes of_each = mm::KernelGeometry::kPageSize * now.pages - percpu::kUnit * now.free_chunks;
    return of_each * (possible_cpu_count() + (percpu::roots_are_common() ? 0 : 1));
}

// The memory for the groups themselves is there before.
BenchmarkResult make_groups(Group* groups)
{
    settle_memory();
    const WorkWaits balance_comes_last;
    const Bytes addresses = percpu_addresses();
    const u64 tables = mm::kernel_tables().tables_made();
    const Bytes used = mm::memory_statistics().used;
    const u64 total = instructions_of_machine([groups] {
        for (u64 n = 0; n < kGroups; ++n)
            std::construct_at(groups + n);
        percpu::store().balance();
    });
    const BenchmarkResult result{.hundredths = total * 100 / kGroups,
                                 .tables = mm::kernel_tables().tables_made() - tables,
                                 .bytes = (mm::memory_statistics().used - used).count(),
                                 .total = total,
                                 .address_space = (percpu_addresses() - addresses).count()};
    std::destroy_n(groups, kGroups);
    return result;
}

// Making 10,000 groups, one after the other. The CPUs' copies are what grows with the machine.
PERCIVAL_BENCHMARK(macro_groups_10000, ThisCpuOnAllCpus)
{
    auto* groups = static_cast<Group*>(must(mm::vmalloc(Bytes{kGroups * sizeof(Group)})));
    make_groups(groups);
    const BenchmarkResult result = make_groups(groups);
    mm::vfree(groups);
    settle_memory();
    return result;
}

// --- Threads

constexpr u64 kThreads = 64; // of each CPU
constexpr u32 kFaults = 16;

void fork_and_exit(CpuId cpu)
{
    auto child = [] {
        const percpu::Owned<u64> rss{must(percpu::create<u64>())};
        for (u32 fault = 0; fault < kFaults; ++fault)
            rss->inc();
    };
    Thread* const thread = must(start_thread("child", child, {.affinity = CpuSet::only(cpu)}));
    join(*thread);
}

// Every CPU starts threads and waits for their ends. Each of them has a percpu counter, as a process has for
// its memory, and counts a few pages in it.
PERCIVAL_BENCHMARK(macro_thread_storm, ThisCpuOnAllCpus)
{
    return on_every_cpu(kThreads, [](CpuId cpu) {
        for (u64 n = 0; n < kThreads; ++n)
            fork_and_exit(cpu);
    });
}

// --- Memory

constexpr u64 kPages = 4;

PERCIVAL_PERCPU PerCpu<u64> areas{};
PERCIVAL_PERCPU PerCpu<u64> bytes{};
PERCIVAL_PERCPU PerCpu<u64> touched{};
PERCIVAL_PERCPU PerCpu<s64> in_use{};

// Allocates four pages, maps them, touches them, unmaps and frees them, and counts these events as a kernel
// does. The allocators' own per-CPU statistics are part of it.
void allocate_map_touch_unmap_once()
{
    constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
    void* const memory = must(mm::vmalloc(kPage * kPages));
    areas.inc();
    in_use.inc();
    bytes.add(kPages * kPage.count());
    for (u64 page = 0; page < kPages; ++page) {
        static_cast<volatile u8*>(memory)[page * kPage.count()] = 1;
        touched.inc();
    }
    mm::vfree(memory);
    in_use.dec();
}

constexpr u32 kMaxWorkers = 8;
constexpr u64 kTurns = 2'000;

u64 instructions_everywhere(u64 turns)
{
    return instructions_of_machine([turns] {
        run_everywhere([turns](CpuId cpu) {
            for (u64 turn = 0; cpu.index() < kMaxWorkers && turn < turns; ++turn)
                allocate_map_touch_unmap_once();
        });
        mm::flush_freed();
    });
}

// The instructions of one turn, averaged over up to eight CPUs.
PERCIVAL_BENCHMARK(allocate_map_touch_unmap, ThisCpuOnAllCpus)
{
    if (!counts_whole_machine())
        return kOneCpuCounted;
    settle_memory();
    instructions_everywhere(kTurns);
    const u64 few = instructions_everywhere(kTurns);
    const u64 more = instructions_everywhere(2 * kTurns);
    return {(more - std::min(few, more)) * 100 / (kTurns * std::min(online_cpu_count(), kMaxWorkers))};
}

// The same on all CPUs. An emulator takes the longer for one TLBI, the more CPUs the machine has: there are
// fewer turns then. Few of the areas are left for a flush by one CPU at the end.
PERCIVAL_BENCHMARK(macro_map_touch_unmap, ThisCpuOnAllCpus)
{
    const u64 cpus = online_cpu_count();
    const u64 turns_each = std::clamp<u64>(400'000 / (cpus * cpus), 4, 1'000);
    return on_every_cpu(turns_each, [turns_each](CpuId) {
        for (u64 turn = 0; turn < turns_each; ++turn)
            allocate_map_touch_unmap_once();
    });
}

// --- Counters with batches

constexpr s32 kBatch = 32;
constexpr u32 kStays = 8;
constexpr u32 kAddsPerStay = 1'000;

// Adds on one CPU after the other. Returns how often it had to go to the common count.
u64 add_while_migrating(PercpuCounter& counter, CpuId first)
{
    u64 slow_paths = 0;
    for (u32 stay = 0; stay < kStays; ++stay) {
        const CpuId cpu{(first.index() + stay) % possible_cpu_count()};
        if (is_online(cpu) && !migrate_to(cpu))
            panic("a thread that may run anywhere cannot migrate");
        for (u32 n = 0; n < kAddsPerStay; ++n)
            slow_paths += counter.add(1) ? 1 : 0;
    }
    return slow_paths;
}

// As many threads as CPUs add to one counter, while each goes from CPU to CPU.
u64 count_on_all_cpus(PercpuCounter& counter)
{
    struct Adder {
        PercpuCounter* counter;
        CpuId first;
        u64 slow_paths;
        Thread* thread;
        void operator()() { slow_paths = add_while_migrating(*counter, first); }
    };
    const u32 count = online_cpu_count();
    auto* adders = static_cast<Adder*>(must(mm::vmalloc(Bytes{count * sizeof(Adder)})));
    for (u32 n = 0; n < count; ++n) {
        Adder& adder = *std::construct_at(adders + n, &counter, CpuId{n}, u64{0}, nullptr);
        adder.thread = must(start_thread("adder", adder));
    }
    u64 slow_paths = 0;
    for (u32 n = 0; n < count; ++n) {
        join(*adders[n].thread);
        slow_paths += adders[n].slow_paths;
    }
    mm::vfree(adders);
    return slow_paths;
}

PERCIVAL_BENCHMARK(macro_batched_counter, ThisCpuOnAllCpus)
{
    const u64 adds = u64{kStays} * kAddsPerStay * online_cpu_count();
    PercpuCounter counter = must(PercpuCounter::make(0, kBatch));
    u64 slow_paths = 0;
    BenchmarkResult result = on_whole_machine(adds, [&] { slow_paths = count_on_all_cpus(counter); });
    if (result.missing.empty() && counter.sum() != static_cast<s64>(2 * adds))
        panic("counted {} of {}", counter.sum(), 2 * adds);
    result.slow_paths = slow_paths;
    return result;
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Measures the percpu allocator: pairs of allocation and free from a CPU's stock; many allocations that are
// kept; and the deferred work for all of these together.
#include "kernel/selftest/benchmark.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/settled_memory.hpp"

namespace percival {
namespace {

BenchmarkResult pair_of(Bytes size)
{
    return instructions_per_turn([size] { percpu::free(must(percpu::allocate(size, Bytes{8}))); });
}

PERCIVAL_BENCHMARK(alloc_free_percpu_8, None)
{
    return pair_of(Bytes{8});
}

PERCIVAL_BENCHMARK(alloc_free_percpu_64, None)
{
    return pair_of(Bytes{64});
}

PERCIVAL_BENCHMARK(alloc_free_percpu_4096, None)
{
    return pair_of(4_KiB);
}

// The cost of 10,000 objects of 8 bytes: of allocating them, of freeing them, and of the deferred work that
// gives them back from the depots to their chunks.
struct Many {
    static constexpr u64 kCount = 10'000;
    u64 allocate;
    u64 free;
    u64 deferred;
};

template <class Part>
[[gnu::noinline]] u64 instructions_of(Part part)
{
    const u64 before = arch::instructions_retired();
    part();
    return static_cast<u32>(arch::instructions_retired() - before);
}

// Returns the instructions of calling `each` for every place, without the cost of the loop.
template <class Each>
u64 instructions_for_all(VirtAddr* places, Each each)
{
    const auto loop = [places](auto body) {
        return instructions_of([places, body] {
#pragma clang loop unroll(disable)
            for (u64 n = 0; n < Many::kCount; ++n) {
                body(places[n]);
                asm volatile("" : "+r"(n));
            }
        });
    };
    const u64 empty = loop([](VirtAddr& place) { asm volatile("" : : "r"(&place)); });
    return loop(each) - empty;
}

// From a settled state on. No worker does a part of it meanwhile.
Many cost_of_many(VirtAddr* places)
{
    settle_memory();
    const WorkWaits no_worker;
    Many cost{};
    cost.allocate = instructions_for_all(
        places, [](VirtAddr& place) { place = must(percpu::allocate(Bytes{8}, Bytes{8})); });
    cost.free = instructions_for_all(places, [](VirtAddr& place) { percpu::free(place); });
    cost.deferred = instructions_of([] {
        empty_percpu_depots();
        percpu::store().balance();
    });
    return cost;
}

// The second time, when there is a chunk that stays for ever once it has been needed.
Many cost_of_many()
{
    auto* places = static_cast<VirtAddr*>(must(mm::vmalloc(Bytes{Many::kCount * sizeof(VirtAddr)})));
    cost_of_many(places);
    const Many cost = cost_of_many(places);
    mm::vfree(places);
    return cost;
}

PERCIVAL_BENCHMARK(alloc_percpu_8_first_10000, None)
{
    return {cost_of_many().allocate * 100 / Many::kCount};
}

PERCIVAL_BENCHMARK(free_percpu_8_first_10000, None)
{
    return {cost_of_many().free * 100 / Many::kCount};
}

PERCIVAL_BENCHMARK(free_percpu_8_first_10000_deferred, None)
{
    return {cost_of_many().deferred * 100 / Many::kCount};
}

} // namespace
} // namespace percival

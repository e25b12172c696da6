// SPDX-License-Identifier: BSD-2-Clause
// Measures vmalloc() and vmap(): an allocation and its free, and separately their share of the flush that
// follows later for many areas together. Also measures how both grow with the number of areas in use.
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/page_table/tlb_batch.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "mm/vmalloc/vmap.hpp"
#include "tests/bench/must.hpp"

namespace percival {
namespace {

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

u64 invalidations()
{
    return mm::tlb_statistics.invalidations.load(std::memory_order_relaxed);
}

// The two costs of a pair of allocation and free. Both are per operation, measured over as many pairs as are
// flushed together. Best of several rounds.
struct PairCost {
    u64 pair{~u64{0}};
    u64 deferred{~u64{0}};
    u64 invalidations{0};
};

template <class Pair>
[[gnu::noinline]] u64 instructions_of(u64 pairs, Pair pair)
{
    const u64 before = arch::instructions_retired();
#pragma clang loop unroll(disable)
    for (u64 n = 0; n < pairs; ++n) {
        pair();
        asm volatile("" : "+r"(n));
    }
    return static_cast<u32>(arch::instructions_retired() - before);
}

// `pairs` is so small that no flush happens in between.
template <class Pair>
PairCost cost_of(u64 pairs, Pair pair)
{
    PairCost best;
    for (u32 round = 0; round < kMeasuringRounds; ++round) {
        mm::flush_freed();
        const u64 flushes = mm::freed_statistics().flushes;
        const u64 empty = instructions_of(pairs, [] {});
        const u64 all = instructions_of(pairs, pair) - empty;
        if (mm::freed_statistics().flushes != flushes)
            panic("a flush came in between {} pairs", pairs);
        const u64 issued = invalidations();
        const u64 later = instructions_of(1, [] { mm::flush_freed(); });
        best.pair = std::min(best.pair, all * 100 / pairs);
        best.deferred = std::min(best.deferred, later * 100 / pairs);
        best.invalidations = invalidations() - issued;
    }
    return best;
}

PairCost vmalloc_cost(Bytes size, u64 pairs)
{
    return cost_of(pairs, [size] { mm::vfree(must(mm::vmalloc(size))); });
}

// Every other page of a block, so that no two pages are neighbours.
struct ScatteredPages {
    static constexpr u64 kCount = 16;
    static constexpr mm::PageOrder kOrder{5};

    ScatteredPages() : block{*mm::allocate_pages(kOrder)}
    {
        for (u64 page = 0; page < kCount; ++page)
            pages[page] = block + kPage * 2 * page;
    }
    ~ScatteredPages() { mm::free_pages(block, kOrder); }

    PhysAddr block;
    std::array<PhysAddr, kCount> pages;
};

PairCost vmap_cost(u64 pairs)
{
    const ScatteredPages scattered;
    return cost_of(pairs, [&] { mm::vunmap(must(mm::vmap(scattered.pages, mm::kData))); });
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1p, None)
{
    return {vmalloc_cost(kPage, 32).pair};
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1p_deferred, None)
{
    const PairCost cost = vmalloc_cost(kPage, 32);
    return {.hundredths = cost.deferred, .invalidations = cost.invalidations};
}

PERCIVAL_BENCHMARK(vmalloc_vfree_16p, None)
{
    return {vmalloc_cost(kPage * 16, 3).pair};
}

PERCIVAL_BENCHMARK(vmalloc_vfree_16p_deferred, None)
{
    const PairCost cost = vmalloc_cost(kPage * 16, 3);
    return {.hundredths = cost.deferred, .invalidations = cost.invalidations};
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1MiB, None)
{
    return {vmalloc_cost(1_MiB, 3).pair};
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1MiB_deferred, None)
{
    const PairCost cost = vmalloc_cost(1_MiB, 3);
    return {.hundredths = cost.deferred, .invalidations = cost.invalidations};
}

PERCIVAL_BENCHMARK(vmap_vunmap_16p, None)
{
    return {vmap_cost(32).pair};
}

PERCIVAL_BENCHMARK(vmap_vunmap_16p_deferred, None)
{
    const PairCost cost = vmap_cost(32);
    return {.hundredths = cost.deferred, .invalidations = cost.invalidations};
}

// Areas that are in use during a measurement: one page, mapped many times.
class LiveAreas : Immovable {
public:
    explicit LiveAreas(u64 count) : count_{count}, page_{*mm::allocate_page()}
    {
        areas_ = static_cast<void**>(must(mm::vmalloc(Bytes{count * sizeof(void*)})));
        for (u64 n = 0; n < count; ++n)
            areas_[n] = must(mm::vmap({&page_, 1}, mm::kReadOnlyData));
    }
    ~LiveAreas()
    {
        for (u64 n = 0; n < count_; ++n)
            mm::vunmap(areas_[n]);
        mm::vfree(static_cast<void*>(areas_));
        mm::flush_freed();
        mm::free_page(page_);
    }

private:
    u64 count_;
    PhysAddr page_;
    void** areas_;
};

BenchmarkResult vmalloc_beside(u64 live)
{
    const LiveAreas areas{live};
    return {vmalloc_cost(kPage, 32).pair};
}

// Bypasses the spares: takes addresses from the region's tree and gives them back.
BenchmarkResult region_beside(u64 live)
{
    const LiveAreas areas{live};
    return instructions_per_turn(
        [] { mm::vmalloc_region().free(*must(mm::vmalloc_region().allocate(kPage * 32, kPage))); });
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1p_beside_1000, None)
{
    return vmalloc_beside(1'000);
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1p_beside_10000, None)
{
    return vmalloc_beside(10'000);
}

PERCIVAL_BENCHMARK(vmalloc_vfree_1p_beside_100000, None)
{
    return vmalloc_beside(100'000);
}

PERCIVAL_BENCHMARK(vm_region_beside_1000, None)
{
    return region_beside(1'000);
}

PERCIVAL_BENCHMARK(vm_region_beside_10000, None)
{
    return region_beside(10'000);
}

PERCIVAL_BENCHMARK(vm_region_beside_100000, None)
{
    return region_beside(100'000);
}

} // namespace
} // namespace percival

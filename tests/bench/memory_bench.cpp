// SPDX-License-Identifier: BSD-2-Clause
// Measures the hot paths of the allocators, which use the CPU's own stocks.
#include "arch/cpu/zero_page.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"

namespace percival {
namespace {

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
constexpr u64 kCacheLine = 64;

PERCIVAL_BENCHMARK(alloc_free_page, None)
{
    return instructions_per_turn([] { mm::free_page(*mm::allocate_page()); });
}

PERCIVAL_BENCHMARK(alloc_free_page_zeroed, None)
{
    return instructions_per_turn([] { mm::free_page(*mm::allocate_zeroed_page()); });
}

PERCIVAL_BENCHMARK(alloc_free_block_16p, None)
{
    return instructions_per_turn(
        [] { mm::free_pages(*mm::allocate_pages(mm::PageOrder{4}), mm::PageOrder{4}); });
}

PERCIVAL_BENCHMARK(page_zero_per_line, Core)
{
    const PhysAddr page = *mm::allocate_page();
    void* memory = mm::linear_pointer<void>(page);
    const BenchmarkResult whole = instructions_per_turn([memory] { arch::zero_page<kPage.count()>(memory); });
    mm::free_page(page);
    return whole.divided_by(kPage.count() / kCacheLine);
}

PERCIVAL_BENCHMARK(kmalloc_kfree_64, None)
{
    return instructions_per_turn([] { mm::free_object(mm::allocate_object(Bytes{64}), Bytes{64}); });
}

// Allocates more objects than a stock holds and then frees them all, so that refills and drains are included.
PERCIVAL_BENCHMARK(kmalloc_kfree_64_batch_100, None)
{
    static constinit std::array<void*, 100> objects{};
    const BenchmarkResult all = instructions_per_turn([] {
        for (void*& object : objects)
            object = mm::allocate_object(Bytes{64});
        for (void* object : objects)
            mm::free_object(object, Bytes{64});
    });
    return all.divided_by(objects.size());
}

} // namespace
} // namespace percival

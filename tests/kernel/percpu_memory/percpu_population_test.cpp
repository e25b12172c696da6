// SPDX-License-Identifier: BSD-2-Clause
// Tests which percpu memory is mapped: pages are mapped with the first object in them and unmapped after the
// last, on every CPU and at both addresses. A reserve of a few pages stays for atomic callers.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

// The low-water mark of the store, and the most empty pages it keeps: the reserve and the pages of a missed
// request.
constexpr u32 kLowWaterMark = 2;
constexpr u32 kMaxPages = kReservePages + static_cast<u32>(percpu::kMaxSize.count() / 4096);

// The number of objects that surely need two new chunks. So many fill the first chunk, the unused chunk that
// the store keeps, the chunks of the reserve (which may be spread over twice as many chunks as necessary),
// and two more.
constexpr u32 kManyObjects = (4 + 2 * kChunksOfReserve) * kLargestPerUnit;
std::array<VirtAddr, kManyObjects> fill_many_chunks()
{
    std::array<VirtAddr, kManyObjects> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(percpu::kMaxSize, kGrain).value_or(VirtAddr{0});
    return objects;
}

// The addresses at which a CPU reaches percpu memory. They may compete for one TLB entry, in which only the
// last one used stays, so a test tries one address at a time.
using AddressOn = VirtAddr (*)(VirtAddr object, CpuId cpu);
constexpr AddressOn kAddresses[] = {
    [](VirtAddr object, CpuId) { return own_address(object); },
    [](VirtAddr object, CpuId cpu) { return mm::local_to_global(object, cpu); },
    [](VirtAddr object, CpuId) { return mm::local_to_global(object, kBootCpu); },
};

template <class Visit>
void for_each_page(VirtAddr object, Bytes size, Visit visit)
{
    for (Bytes at{0}; at < size; at = at + kPage)
        visit(object + at);
}

// Lets every CPU read all objects, so that its TLB holds their pages. Then frees the objects for which
// is_freed(object) is true, and checks that every CPU faults where memory was unmapped. Returns the number of
// unmapped objects.
template <class IsFreed>
u32 free_and_expect_faults(std::span<const VirtAddr> objects, Bytes size, AddressOn address_on,
                           IsFreed is_freed)
{
    run_everywhere([=](CpuId cpu) {
        for (const VirtAddr object : objects) {
            for_each_page(object, size, [=](VirtAddr page) {
                static_cast<void>(*reinterpret_cast<volatile u8*>(address_on(page, cpu).raw()));
            });
        }
    });
    for (const VirtAddr object : objects) {
        if (is_freed(object))
            percpu::free(object);
    }
    settle_percpu();
    const auto is_unmapped = [=](VirtAddr object) {
        return !percpu::to_phys(object, kBootCpu) && !percpu::to_phys(object + (size - kGrain), kBootCpu);
    };
    run_everywhere([=](CpuId cpu) {
        for (const VirtAddr object : objects) {
            if (is_unmapped(object))
                for_each_page(object, size, [=](VirtAddr page) { EXPECT(is_a_hole(address_on(page, cpu))); });
        }
    });
    return static_cast<u32>(std::ranges::count_if(objects, is_unmapped));
}

PERCIVAL_TEST(percpu_population, unmapped_memory_faults_on_every_cpu_at_every_address)
{
    const auto all = [](VirtAddr) { return true; };
    for (const AddressOn address_on : kAddresses)
        EXPECT(free_and_expect_faults(fill_many_chunks(), percpu::kMaxSize, address_on, all) >=
               kLargestPerUnit);
}

// Each page is flushed separately, so that the flush of a neighbour cannot hide a missing one. (QEMU may
// treat a range TLBI as a flush of everything, so a missing flush shows only on a CPU without
// FEAT_TLBIRANGE.)
PERCIVAL_TEST(percpu_population, a_single_unmapped_page_faults_on_every_cpu_at_every_address)
{
    constexpr Bytes kSize{std::min(kPage, percpu::kMaxSize)};
    constexpr u32 kUnits = 8;
    const auto is_in_an_odd_page = [](VirtAddr object) { return object.raw() / kPage.count() % 2 == 1; };
    for (const AddressOn address_on : kAddresses) {
        std::array<VirtAddr, kUnits * percpu::kUnit.count() / kSize.count()> objects{};
        for (VirtAddr& object : objects)
            object = percpu::allocate(kSize, kSize).value_or(VirtAddr{0});
        EXPECT(free_and_expect_faults(objects, kSize, address_on, is_in_an_odd_page) >= kUnits / 2);
        for (const VirtAddr object : objects) {
            if (!is_in_an_odd_page(object))
                percpu::free(object);
        }
    }
}

PERCIVAL_TEST(percpu_population, memory_is_mapped_for_every_possible_cpu_or_for_none)
{
    const auto objects = fill_many_chunks();
    const auto check = [&objects] {
        for (const VirtAddr object : objects) {
            for (Bytes at{0}; at < percpu::kMaxSize; at = at + kPage) {
                const bool is_mapped = percpu::to_phys(object + at, kBootCpu).has_value();
                for_each_possible_cpu(
                    [&](CpuId cpu) { EXPECT_EQ(percpu::to_phys(object + at, cpu).has_value(), is_mapped); });
            }
        }
    };
    for (const VirtAddr object : objects)
        EXPECT(percpu::to_phys(object + (percpu::kMaxSize - kGrain), kBootCpu).has_value());
    check();
    for (const VirtAddr object : objects)
        percpu::free(object);
    percpu::store().balance();
    check();
}

PERCIVAL_TEST(percpu_population, unused_chunks_and_empty_pages_are_freed_but_a_few)
{
    settle_percpu();
    settle_percpu(); // the first balance() may populate missed requests
    const auto before = percpu::store().statistics();
    const u64 pages_before = percpu::page_statistics().pages;
    const auto objects = fill_many_chunks();
    const auto held = percpu::store().statistics();
    EXPECT(held.chunks >= before.chunks + 2);
    EXPECT(percpu::page_statistics().pages >=
           pages_before + 2 * (percpu::kUnit.count() / kPage.count()) * possible_cpu_count());
    for (const VirtAddr object : objects)
        percpu::free(object);
    settle_percpu();
    const auto after = percpu::store().statistics();
    EXPECT(after.chunks <= before.chunks + 1);
    EXPECT(after.free_chunks <= 2 + kChunksOfReserve); // the first chunk is one of them
    EXPECT(after.empty >= kReservePages);
    EXPECT(after.empty <= kMaxPages);
    EXPECT(percpu::page_statistics().pages <= pages_before + u64{kMaxPages} * possible_cpu_count());
}

// Empty pages between pages in use lose their memory. The chunk and its objects stay.
PERCIVAL_TEST(percpu_population, empty_pages_of_a_chunk_in_use_are_freed)
{
    constexpr Bytes kSize{std::min(kPage, percpu::kMaxSize)};
    constexpr u32 kObjects = static_cast<u32>(8 * percpu::kUnit.count() / kSize.count());
    PercpuHerd herd{kObjects};
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    settle_percpu();
    const u64 pages_before = percpu::page_statistics().pages;
    PercpuHerd kept{kObjects};
    for (u32 index = 0; index < kObjects; ++index) {
        if (index % 8 == 0)
            kept.add(herd[index], kSize);
        else
            percpu::free(herd[index]);
    }
    herd.forget();
    settle_percpu();
    const u64 gone = (pages_before - percpu::page_statistics().pages) / possible_cpu_count();
    EXPECT(kPage * gone >= percpu::kUnit * 2);
    EXPECT(kept.are_signed());
    // The same chunks are populated again.
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    EXPECT(kept.are_signed());
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_population, the_worker_frees_unused_memory_by_itself)
{
    settle_percpu();
    const auto before = percpu::store().statistics();
    const auto objects = fill_many_chunks();
    for (const VirtAddr object : objects)
        percpu::free(object);
    EXPECT(becomes_true([&] {
        const auto now = percpu::store().statistics();
        return now.chunks <= before.chunks + 1 && now.empty <= kMaxPages;
    }));
}

PERCIVAL_TEST(percpu_population, the_worker_fills_the_reserve_by_itself)
{
    settle_percpu();
    EXPECT(percpu::store().statistics().empty >= kReservePages);
    // Each object is larger than half a page and has no size class, so it takes one page of the reserve.
    const Bytes size{std::min<u64>(kPage.count() / 2, 30'000) + 4};
    PercpuHerd herd{64};
    for (u32 turn = 0; turn < 8; ++turn) {
        u32 allocated = 0;
        for (; allocated < kReservePages; ++allocated) {
            const auto object = percpu::allocate_atomic(size, kGrain);
            if (!object || !herd.add(*object, size))
                break;
        }
        EXPECT(allocated >= kLowWaterMark);
        EXPECT(becomes_true([] { return percpu::store().statistics().empty >= kLowWaterMark; }));
    }
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_population, a_request_that_an_atomic_caller_missed_is_populated_for_the_next)
{
    for (const u32 size : {4096u, 6000u, 20'000u, 32'768u}) {
        settle_percpu();
        PercpuHerd herd{16};
        for (u32 turn = 0; turn < 4; ++turn) {
            EXPECT(becomes_true([&] {
                const auto object = percpu::allocate_atomic(Bytes{size}, kGrain);
                return object && herd.add(*object, Bytes{size});
            }));
        }
        EXPECT(herd.are_signed());
    }
}

// A refill of one CPU's stock takes no more than a page of the reserve.
PERCIVAL_TEST(percpu_population, a_stock_leaves_pages_of_the_reserve_for_other_cpus)
{
    settle_percpu();
    const u32 before = percpu::store().statistics().empty;
    EXPECT(before >= kReservePages);
    for (u32 number = 1; number <= percpu::Class::kCount; ++number) {
        const Bytes size = percpu::Class{number}.size();
        settle_percpu();
        const auto object = percpu::allocate_atomic(size, size);
        ASSERT(object.has_value());
        EXPECT(percpu::store().statistics().empty + 1 >= kReservePages);
        percpu::free(*object);
    }
}

} // namespace
} // namespace percival

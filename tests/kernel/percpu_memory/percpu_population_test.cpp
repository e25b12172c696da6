// SPDX-License-Identifier: BSD-2-Clause
// Which percpu memory is there, and which is gone: pages come with objects and go with the last of them, on
// every CPU, at both addresses; a few stay for those who cannot wait.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

// The store's own numbers: pages it has ready, and at most what an atomic caller missed besides.
constexpr u32 kLowWaterMark = 2;
constexpr u32 kMaxPages = kReservePages + static_cast<u32>(percpu::kMaxSize.count() / 4096);

// Objects of whole units: two chunks' worth more than what the first chunk has room for and what is kept of
// unused ones: one in case, and those of the reserve, which may be spread over twice as many as it needs.
constexpr u32 kManyObjects = (4 + 2 * kChunksOfReserve) * kLargestPerUnit;
std::array<VirtAddr, kManyObjects> many_chunks()
{
    std::array<VirtAddr, kManyObjects> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(percpu::kMaxSize, kGrain).value_or(VirtAddr{0});
    return objects;
}

// The addresses at which a CPU reaches percpu memory. A TLB may have one place for all of them, where the
// last that was used drives the others out: they are tried one by one.
using AddressOn = VirtAddr (*)(VirtAddr object, CpuId cpu);
constexpr AddressOn kAddresses[] = {
    [](VirtAddr object, CpuId) { return object; },
    [](VirtAddr object, CpuId cpu) { return mm::local_to_global(object, cpu); },
    [](VirtAddr object, CpuId) { return mm::local_to_global(object, kBootCpu); },
};

template <class Visit>
void for_each_page(VirtAddr object, Bytes size, Visit visit)
{
    for (Bytes at{0}; at < size; at = at + kPage)
        visit(object + at);
}

// Gives back those objects that `goes` picks, after every CPU has used all of them, so that its TLB knows
// them, and looks for them again where their memory is gone. How many that are.
template <class Goes>
u32 see_them_gone(std::span<const VirtAddr> objects, Bytes size, AddressOn address_on, Goes goes)
{
    run_everywhere([=](CpuId cpu) {
        for (const VirtAddr object : objects) {
            for_each_page(object, size, [=](VirtAddr page) {
                static_cast<void>(*reinterpret_cast<volatile u8*>(address_on(page, cpu).raw()));
            });
        }
    });
    for (const VirtAddr object : objects) {
        if (goes(object))
            percpu::free(object);
    }
    settle_percpu();
    const auto is_gone = [=](VirtAddr object) {
        return !percpu::to_phys(object, kBootCpu) && !percpu::to_phys(object + (size - kGrain), kBootCpu);
    };
    run_everywhere([=](CpuId cpu) {
        for (const VirtAddr object : objects) {
            if (is_gone(object))
                for_each_page(object, size, [=](VirtAddr page) { EXPECT(is_a_hole(address_on(page, cpu))); });
        }
    });
    return static_cast<u32>(std::ranges::count_if(objects, is_gone));
}

PERCIVAL_TEST(percpu_population, unmapped_memory_faults_on_every_cpu_at_every_address)
{
    const auto all = [](VirtAddr) { return true; };
    for (const AddressOn address_on : kAddresses)
        EXPECT(see_them_gone(many_chunks(), percpu::kMaxSize, address_on, all) >= kLargestPerUnit);
}

// Each is flushed for itself then, so that nothing that is flushed for a neighbour hides what was forgotten.
// (QEMU may take a range TLBI for one of everything: what is forgotten shows on a CPU without
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
        EXPECT(see_them_gone(objects, kSize, address_on, is_in_an_odd_page) >= kUnits / 2);
        for (const VirtAddr object : objects) {
            if (!is_in_an_odd_page(object))
                percpu::free(object);
        }
    }
}

PERCIVAL_TEST(percpu_population, memory_is_mapped_for_every_possible_cpu_or_for_none)
{
    const auto objects = many_chunks();
    const auto check = [&objects] {
        for (const VirtAddr object : objects) {
            for (Bytes at{0}; at < percpu::kMaxSize; at = at + kPage) {
                const bool is_there = percpu::to_phys(object + at, kBootCpu).has_value();
                for_each_possible_cpu(
                    [&](CpuId cpu) { EXPECT_EQ(percpu::to_phys(object + at, cpu).has_value(), is_there); });
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
    settle_percpu(); // what atomic callers missed is made up for
    const auto before = percpu::store().statistics();
    const u64 pages_before = percpu::page_statistics().pages;
    const auto objects = many_chunks();
    const auto held = percpu::store().statistics();
    EXPECT(held.chunks >= before.chunks + 2);
    EXPECT(percpu::page_statistics().pages >=
           pages_before + 2 * (percpu::kUnit.count() / kPage.count()) * possible_cpu_count());
    for (const VirtAddr object : objects)
        percpu::free(object);
    settle_percpu();
    const auto after = percpu::store().statistics();
    EXPECT(after.chunks <= before.chunks + 1);
    EXPECT(after.free_chunks <= 2 + kChunksOfReserve); // the first one among them
    EXPECT(after.empty >= kReservePages);
    EXPECT(after.empty <= kMaxPages);
    EXPECT(percpu::page_statistics().pages <= pages_before + u64{kMaxPages} * possible_cpu_count());
}

// Among pages in use, too: the chunk stays, and what is in it.
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
    // And come again, for the same chunks.
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    EXPECT(kept.are_signed());
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_population, the_worker_frees_unused_memory_by_itself)
{
    settle_percpu();
    const auto before = percpu::store().statistics();
    const auto objects = many_chunks();
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
    // More than half a page each, and of no usual size, so that each takes one of the reserve.
    const Bytes size{std::min<u64>(kPage.count() / 2, 30'000) + 4};
    PercpuHerd herd{64};
    for (u32 turn = 0; turn < 8; ++turn) {
        u32 had = 0;
        for (; had < kReservePages; ++had) {
            const auto object = percpu::allocate_atomic(size, kGrain);
            if (!object || !herd.add(*object, size))
                break;
        }
        EXPECT(had >= kLowWaterMark);
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

// What one CPU does not need at once it does not take from the others.
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

// SPDX-License-Identifier: BSD-2-Clause
// Which percpu memory is there, and which is gone: pages come with objects and go with the last of them, on every
// CPU, at both addresses; a few stay for those who cannot wait.
#include "tests/kernel/percpu_support.hpp"

namespace percival {
namespace {

// The store's own numbers: pages it has ready, and at most what an atomic caller missed besides.
constexpr u32 kFewPages = 2;
constexpr u32 kMostPages = kEnoughPages + static_cast<u32>(mm::kMaxPercpuSize.count() / 4096);

// Objects of whole units: two chunks' worth more than what is kept of unused ones.
constexpr u32 kManyObjects = (3 + kChunksOfReserve) * kLargestPerUnit;
std::array<VirtAddr, kManyObjects> many_chunks()
{
    std::array<VirtAddr, kManyObjects> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(mm::kMaxPercpuSize, kGrain).value_or(VirtAddr{0});
    return objects;
}

void touch(VirtAddr object, CpuId cpu)
{
    for (Bytes at{0}; at < mm::kMaxPercpuSize; at = at + kPage) {
        local_grain(object + at) = cpu.index();
        *const_cast<volatile u32*>(&grain_of(object + at, cpu)) = cpu.index();
        static_cast<void>(*const_cast<volatile u32*>(&grain_of(object + at, kBootCpu)));
    }
}

// On the calling CPU, at its local address and at two CPUs' global ones.
u32 holes_in(VirtAddr object, CpuId cpu)
{
    u32 holes = 0;
    for (Bytes at{0}; at < mm::kMaxPercpuSize; at = at + kPage) {
        holes += is_a_hole(object + at);
        holes += is_a_hole(mm::local_to_global(object + at, cpu));
        holes += is_a_hole(mm::local_to_global(object + at, kBootCpu));
    }
    return holes;
}

constexpr u32 kPagesOfLargest =
    static_cast<u32>((mm::kMaxPercpuSize.count() + kPage.count() - 1) / kPage.count());

// What every CPU has just used, and so its TLB knows.
PERCIVAL_TEST(percpu_population, memory_that_is_gone_faults_on_every_cpu_at_every_address)
{
    const auto objects = many_chunks();
    run_everywhere([&](CpuId cpu) {
        for (const VirtAddr object : objects)
            touch(object, cpu);
    });
    for (const VirtAddr object : objects)
        percpu::free(object);
    mm::percpu_store().balance();
    u32 gone = 0;
    std::array<bool, kManyObjects> is_gone{};
    for (u32 index = 0; index < kManyObjects; ++index) {
        is_gone[index] = !mm::percpu_to_phys(objects[index], kBootCpu) &&
                         !mm::percpu_to_phys(objects[index] + (mm::kMaxPercpuSize - kGrain), kBootCpu);
        gone += is_gone[index];
    }
    EXPECT(gone >= kLargestPerUnit);
    run_everywhere([&](CpuId cpu) {
        for (u32 index = 0; index < kManyObjects; ++index) {
            if (is_gone[index])
                EXPECT_EQ(holes_in(objects[index], cpu), 3 * kPagesOfLargest);
        }
    });
}

PERCIVAL_TEST(percpu_population, memory_is_there_for_every_possible_cpu_or_for_none)
{
    const auto objects = many_chunks();
    const auto check = [&objects] {
        for (const VirtAddr object : objects) {
            for (Bytes at{0}; at < mm::kMaxPercpuSize; at = at + kPage) {
                const bool is_there = mm::percpu_to_phys(object + at, kBootCpu).has_value();
                for_each_possible_cpu([&](CpuId cpu) {
                    EXPECT_EQ(mm::percpu_to_phys(object + at, cpu).has_value(), is_there);
                });
            }
        }
    };
    for (const VirtAddr object : objects)
        EXPECT(mm::percpu_to_phys(object + (mm::kMaxPercpuSize - kGrain), kBootCpu).has_value());
    check();
    for (const VirtAddr object : objects)
        percpu::free(object);
    mm::percpu_store().balance();
    check();
}

PERCIVAL_TEST(percpu_population, idle_pages_go_back_and_empty_chunks_but_one)
{
    settle_percpu();
    settle_percpu(); // what atomic callers missed is made up for
    const auto before = mm::percpu_store().statistics();
    const u64 pages_before = mm::percpu_page_statistics().pages;
    const auto objects = many_chunks();
    const auto held = mm::percpu_store().statistics();
    EXPECT(held.chunks >= before.chunks + 2);
    EXPECT(mm::percpu_page_statistics().pages >=
           pages_before + 2 * (mm::kPercpuUnit.count() / kPage.count()) * mm::possible_cpu_count());
    for (const VirtAddr object : objects)
        percpu::free(object);
    settle_percpu();
    const auto after = mm::percpu_store().statistics();
    EXPECT(after.chunks <= before.chunks + 1);
    EXPECT(after.free_chunks <= 2 + kChunksOfReserve); // the first one among them
    EXPECT(after.empty >= kEnoughPages);
    EXPECT(after.empty <= kMostPages);
    EXPECT(mm::percpu_page_statistics().pages <= pages_before + u64{kMostPages} * mm::possible_cpu_count());
}

// Among pages in use, too: the chunk stays, and what is in it.
PERCIVAL_TEST(percpu_population, idle_pages_of_a_chunk_in_use_go_back)
{
    constexpr Bytes kSize{std::min(kPage, mm::kMaxPercpuSize)};
    constexpr u32 kObjects = static_cast<u32>(8 * mm::kPercpuUnit.count() / kSize.count());
    PercpuHerd herd{kObjects};
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    settle_percpu();
    const u64 pages_before = mm::percpu_page_statistics().pages;
    PercpuHerd kept{kObjects};
    for (u32 index = 0; index < kObjects; ++index) {
        if (index % 8 == 0)
            kept.add(herd[index], kSize);
        else
            percpu::free(herd[index]);
    }
    herd.forget();
    settle_percpu();
    const u64 gone = (pages_before - mm::percpu_page_statistics().pages) / mm::possible_cpu_count();
    EXPECT(kPage * gone >= mm::kPercpuUnit * 2);
    EXPECT(kept.are_signed());
    // And come again, for the same chunks.
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    EXPECT(kept.are_signed());
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_population, the_worker_takes_back_what_nobody_uses_by_itself)
{
    settle_percpu();
    const auto before = mm::percpu_store().statistics();
    const auto objects = many_chunks();
    for (const VirtAddr object : objects)
        percpu::free(object);
    EXPECT(becomes_true([&] {
        const auto now = mm::percpu_store().statistics();
        return now.chunks <= before.chunks + 1 && now.empty <= kMostPages;
    }));
}

PERCIVAL_TEST(percpu_population, the_worker_fills_the_reserve_by_itself)
{
    settle_percpu();
    EXPECT(mm::percpu_store().statistics().empty >= kEnoughPages);
    // More than half a page each, and of no usual size, so that each takes one of the reserve.
    const Bytes size{std::min<u64>(kPage.count() / 2, 30'000) + 4};
    PercpuHerd herd{64};
    for (u32 turn = 0; turn < 8; ++turn) {
        u32 had = 0;
        for (; had < kEnoughPages; ++had) {
            const auto object = percpu::allocate_atomic(size, kGrain);
            if (!object || !herd.add(*object, size))
                break;
        }
        EXPECT(had >= kFewPages);
        EXPECT(becomes_true([] { return mm::percpu_store().statistics().empty >= kFewPages; }));
    }
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_population, what_an_atomic_caller_misses_the_next_ones_find)
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
    const u32 before = mm::percpu_store().statistics().empty;
    EXPECT(before >= kEnoughPages);
    for (u32 number = 1; number <= mm::PercpuClass::kCount; ++number) {
        const Bytes size = mm::PercpuClass{number}.size();
        settle_percpu();
        const auto object = percpu::allocate_atomic(size, size);
        ASSERT(object.has_value());
        EXPECT(mm::percpu_store().statistics().empty + 1 >= kEnoughPages);
        percpu::free(*object);
    }
}

} // namespace
} // namespace percival

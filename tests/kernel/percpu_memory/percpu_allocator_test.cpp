// SPDX-License-Identifier: BSD-2-Clause
// Tests the allocator of percpu memory: objects of every size and alignment do not overlap, have a copy per
// CPU and are zeroed.
#include "kernel/wait/run_everywhere.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/percpu_support.hpp"
#include "tests/kernel/support/roots.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u32 kMany = 500;

// Sizes of all magnitudes, with and without a size class.
constexpr std::array<u32, 24> kSizes{1,   2,   3,    4,    5,    8,    12,   16,   20,   60,    64,    68,
                                     100, 128, 1000, 1024, 1500, 2048, 4092, 4096, 4100, 12288, 32764, 32768};

PERCIVAL_TEST(percpu_allocator, objects_of_every_size_are_aligned_and_do_not_overlap)
{
    const PercpuUse before = percpu_use();
    const Bytes share = share_of_percpu_memory();
    {
        PercpuHerd herd{kMany};
        Bytes held{0};
        for (Bytes alignment{1}; alignment <= kPage; alignment = alignment * 2) {
            for (const u32 size : kSizes) {
                if (herd.is_full() || held + Bytes{size} > share) {
                    EXPECT(herd.are_signed());
                    herd.free_all();
                    held = Bytes{0};
                }
                ASSERT(herd.allocate(Bytes{size}, alignment));
                EXPECT(herd[herd.size() - 1].is_aligned(std::max(alignment, kGrain)));
                held = held + Bytes{size};
            }
        }
        EXPECT(herd.are_signed());
    }
    expect_same_percpu_use(before);
}

// Checks every byte of the objects. The other tests check only their first and last grains.
PERCIVAL_TEST(percpu_allocator, objects_do_not_share_any_byte)
{
    constexpr u32 kSome = 60;
    std::array<VirtAddr, kSome> objects{};
    const auto size_of = [](u32 index) { return Bytes{index * index * 3 + index + 1}; };
    const auto bytes_of = [&objects](u32 index) {
        return reinterpret_cast<u8*>(mm::local_to_global(objects[index], kBootCpu).raw());
    };
    for (u32 index = 0; index < kSome; ++index) {
        const auto object = percpu::allocate(size_of(index), Bytes{1});
        ASSERT(object.has_value());
        objects[index] = *object;
        __builtin_memset(bytes_of(index), static_cast<int>(index + 1), size_of(index).count());
    }
    for (u32 index = 0; index < kSome; ++index) {
        u32 wrong = 0;
        for (u64 at = 0; at < size_of(index).count(); ++at)
            wrong += bytes_of(index)[at] != index + 1;
        EXPECT_EQ(wrong, 0u);
        percpu::free(objects[index]);
    }
}

PERCIVAL_TEST(percpu_allocator, the_local_address_reaches_the_copy_of_the_calling_cpu)
{
    SKIP_WITH_COMMON_ROOT();
    for (const u32 size : {4u, 8u, 64u, 1500u, 4096u, 32768u}) {
        const Percpu object{Bytes{size}};
        ASSERT(object);
        const VirtAddr last = last_grain(object.address(), Bytes{size});
        sign_copies(object.address(), Bytes{size});
        run_everywhere([&](CpuId cpu) {
            EXPECT_EQ(local_grain(object.address()), signature_of(object.address(), cpu));
            EXPECT_EQ(local_grain(last), signature_of(object.address(), cpu));
            local_grain(last) = ~signature_of(object.address(), cpu);
        });
        for_each_online_cpu(
            [&](CpuId cpu) { EXPECT_EQ(grain_of(last, cpu), ~signature_of(object.address(), cpu)); });
    }
}

// The last owner's data is gone, whether the place was in a stock or in its chunk meanwhile.
PERCIVAL_TEST(percpu_allocator, memory_is_zero_on_every_possible_cpu_when_it_is_reused)
{
    u32 used_again = 0;
    for (const u32 size : kSizes) {
        const auto first = percpu::allocate(Bytes{size}, kGrain);
        ASSERT(first.has_value());
        EXPECT(copies_are_zero(*first, Bytes{size}));
        fill_copies(*first, Bytes{size}, 0xff);
        percpu::free(*first);
        const auto second = percpu::allocate(Bytes{size}, kGrain);
        ASSERT(second.has_value());
        used_again += *second == *first;
        EXPECT(copies_are_zero(*second, Bytes{size}));
        percpu::free(*second);
    }
    EXPECT(used_again >= kSizes.size() / 2);
}

PERCIVAL_TEST(percpu_allocator, memory_of_each_class_is_zero_after_a_return_to_its_chunk)
{
    for (u32 number = 1; number <= percpu::Class::kCount; ++number) {
        const Bytes size = percpu::Class{number}.size();
        PercpuHerd herd{40}; // more objects than a stock holds
        while (!herd.is_full())
            ASSERT(herd.allocate(size, size));
        for (u32 index = 0; index < herd.size(); ++index)
            fill_copies(herd[index], size, 0xa5);
        herd.free_all();
        drain_all_percpu_stocks();
        empty_percpu_depots();
        for (u32 index = 0; index < 40; ++index) {
            const auto object = percpu::allocate(size, size);
            ASSERT(object.has_value());
            EXPECT(object->is_aligned(size));
            EXPECT(copies_are_zero(*object, size));
            herd.add(*object, size);
        }
    }
}

PERCIVAL_TEST(percpu_allocator, ten_thousand_objects_do_not_overlap_and_are_all_freed)
{
    constexpr u32 kObjects = 10'000;
    const PercpuUse before = percpu_use();
    {
        PercpuHerd herd{kObjects};
        for (u32 index = 0; index < kObjects; ++index)
            ASSERT(herd.allocate(Bytes{index % 3 == 0 ? 12u : 8u}));
        EXPECT(herd.are_signed());
        EXPECT(percpu::store().statistics().chunks >= kObjects * 8 / percpu::kUnit.count());
    }
    expect_same_percpu_use(before);
}

PERCIVAL_TEST(percpu_allocator, invalid_requests_are_errors)
{
    const PercpuUse before = percpu_use();
    const auto error_of = [](Bytes size, Bytes alignment) {
        EXPECT_EQ(percpu::allocate_atomic(size, alignment).error(),
                  percpu::allocate(size, alignment).error());
        EXPECT_EQ(percpu::allocate_reserved(size, alignment).error(),
                  percpu::allocate(size, alignment).error());
        return percpu::allocate(size, alignment).error();
    };
    EXPECT_EQ(error_of(Bytes{0}, Bytes{8}), percpu::Error::BadSize);
    EXPECT_EQ(error_of(percpu::kMaxSize + Bytes{1}, Bytes{8}), percpu::Error::BadSize);
    EXPECT_EQ(error_of(Bytes{~u64{0}}, Bytes{8}), percpu::Error::BadSize);
    EXPECT_EQ(error_of(Bytes{8}, Bytes{0}), percpu::Error::BadAlignment);
    EXPECT_EQ(error_of(Bytes{8}, Bytes{12}), percpu::Error::BadAlignment);
    EXPECT_EQ(error_of(Bytes{8}, kPage * 2), percpu::Error::BadAlignment);
    expect_same_percpu_use(before);
}

PERCIVAL_TEST(percpu_allocator, the_reserved_part_can_be_allocated_to_its_last_byte)
{
    constexpr Bytes kPiece{256};
    const auto fits = [](Bytes size) {
        const auto place = percpu::allocate_reserved(size, kGrain);
        if (place)
            percpu::free(*place);
        return place.has_value();
    };
    EXPECT(fits(percpu::kReservedSize));
    EXPECT(!fits(percpu::kReservedSize + kGrain));
    PercpuHerd herd{static_cast<u32>(percpu::kReservedSize.count() / kPiece.count())};
    while (!herd.is_full()) {
        const auto place = percpu::allocate_reserved(kPiece, kGrain);
        ASSERT(place.has_value());
        EXPECT(copies_are_zero(*place, kPiece));
        herd.add(*place, kPiece);
    }
    EXPECT_EQ(percpu::allocate_reserved(kGrain, kGrain).error(), percpu::Error::NoMemory);
    EXPECT(herd.are_signed());
    herd.free_all();
    EXPECT(fits(percpu::kReservedSize));
}

// The next object of a class gets the place that was freed last on this CPU, unless an interrupt takes it.
PERCIVAL_TEST(percpu_allocator, memory_for_overwrite_is_left_as_the_last_object_left_it)
{
    constexpr Bytes kSize{64};
    for (bool is_same = false; !is_same;) {
        const auto earlier = percpu::allocate(kSize, kSize);
        ASSERT(earlier.has_value());
        fill_copies(*earlier, kSize, 0x5a);
        percpu::free(*earlier);
        const auto later = percpu::allocate_for_overwrite(kSize, kSize);
        ASSERT(later.has_value());
        is_same = *later == *earlier;
        if (is_same)
            for_each_possible_cpu([&](CpuId cpu) { EXPECT_EQ(grain_of(*later, cpu), 0x5a5a'5a5au); });
        percpu::free(*later);
    }
    EXPECT(percpu::allocate_for_overwrite(Bytes{0}, kGrain).error() == percpu::Error::BadSize);
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Tests percpu memory when memory or addresses run out, at every step: the caller gets an error, and
// everything that was allocated before the failure is freed.
#include "mm/pages/allocation_failure.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/page_hoard.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

// Allocates up to `count` objects of one size, and frees them.
void allocate_and_free(Bytes size, u32 count)
{
    std::array<VirtAddr, 64> objects{};
    u32 allocated = 0;
    for (; allocated < count; ++allocated) {
        const auto object = percpu::allocate(size, kGrain);
        if (!object) {
            EXPECT_EQ(object.error(), percpu::Error::NoMemory);
            break;
        }
        EXPECT(copies_are_zero(*object, kGrain));
        objects[allocated] = *object;
    }
    while (allocated != 0)
        percpu::free(objects[--allocated]);
}

// Lets the n-th allocation of a page or small object fail. Returns false if there are fewer.
bool fail_at(u32 nth, Bytes size, u32 count)
{
    mm::FailNth fail{nth};
    allocate_and_free(size, count);
    return fail.has_failed();
}

// Lets each allocation fail in turn. On a machine with many CPUs it leaves some out, because the pages of all
// CPUs are allocated alike. With a shadow there are twice as many, which take longer: it leaves out more, and
// an odd number, so that both kinds of pages fail.
void fail_at_every_step(Bytes size, u32 count)
{
    allocate_and_free(size, count);
    const PercpuUse before = percpu_use();
    const u32 step = (1 + possible_cpu_count() / 4) * (kPercpuShadow ? 8 : 1) | u32{kPercpuShadow};
    u32 failures = 0;
    for (u32 nth = 1; fail_at(nth, size, count); nth += nth < 12 ? 1 : step) {
        ++failures;
        if (nth % 8 == 1)
            expect_same_percpu_use(before);
        else
            settle_percpu();
    }
    expect_same_percpu_use(before);
    // With large pages the worker may have populated every page before it was needed, so that nothing can
    // fail.
    if (kPage <= 4_KiB)
        EXPECT(failures >= 1);
}

// Allocates one object more than the unused chunks that the store keeps have room for.
PERCIVAL_TEST(percpu_failure, a_new_chunk_may_fail_at_every_step)
{
    fail_at_every_step(percpu::kMaxSize, 3 * kLargestPerUnit + 1);
}

PERCIVAL_TEST(percpu_failure, a_page_for_a_stock_may_fail_at_every_step)
{
    fail_at_every_step(4_KiB, 60);
}

PERCIVAL_TEST(percpu_failure, a_page_for_an_unusual_size_may_fail_at_every_step)
{
    fail_at_every_step(Bytes{6000}, 40);
}

// A full stock goes to the depot in a magazine, or to the chunks if there is no memory for the magazine.
PERCIVAL_TEST(percpu_failure, emptying_a_full_stock_needs_no_memory)
{
    std::array<VirtAddr, 2 * percpu::Stock::kMax> objects{};
    const PercpuUse before = percpu_use();
    for (VirtAddr& object : objects)
        object = percpu::allocate(Bytes{32}, kGrain).value_or(VirtAddr{0});
    u32 failures = 0;
    for (const VirtAddr object : objects) {
        const mm::FailNth fail{1};
        percpu::free(object);
        failures += fail.has_failed();
    }
    EXPECT(failures >= 1);
    PercpuHerd herd{static_cast<u32>(objects.size())};
    while (!herd.is_full())
        ASSERT(herd.allocate(Bytes{32}));
    EXPECT(herd.are_signed());
    herd.free_all();
    EXPECT_EQ(percpu_use().areas, before.areas + 1); // the list of `herd`
}

#define SKIP_ON_LARGE_MACHINES()                                                                  \
    do {                                                                                          \
        if (mm::memory_statistics().total > PageHoard::kMax)                                      \
            SKIP("an emulator's host may have too little memory, or take too long to poison it"); \
    } while (false)

PERCIVAL_TEST(percpu_failure, without_memory_atomic_callers_use_up_the_reserve_and_then_get_an_error)
{
    SKIP_ON_LARGE_MACHINES();
    constexpr Bytes kSize{std::min<u64>(kPage.count(), 32768) - 8};
    PercpuHerd herd{64};
    const PercpuUse before = percpu_use();
    {
        PageHoard hoard;
        drain_all_page_caches();
        hoard.take_everything();
        for (;;) {
            const auto object = percpu::allocate_atomic(kSize, kGrain);
            if (!object) {
                EXPECT_EQ(object.error(), percpu::Error::NoMemory);
                break;
            }
            EXPECT(copies_are_zero(*object, kSize));
            ASSERT(herd.add(*object, kSize));
        }
        EXPECT(herd.size() >= 2);
        EXPECT_EQ(percpu::allocate(percpu::kMaxSize, kGrain).error(), percpu::Error::NoMemory);
        EXPECT(herd.are_signed());
    }
    // Now the worker finds memory and fills the reserve.
    EXPECT(becomes_true([&] {
        const auto object = percpu::allocate_atomic(kSize, kGrain);
        return object && herd.add(*object, kSize);
    }));
    EXPECT(herd.are_signed());
    herd.free_all();
    expect_same_percpu_use(before);
}

// Allocates all addresses of the window that no chunk has.
class AddressHoard : Immovable {
public:
    AddressHoard()
    {
        for (Bytes size{std::bit_floor(region_.range().size.count())}; size >= percpu::kUnit;) {
            const auto area = region_.allocate(size, percpu::kUnit);
            if (area && count_ < areas_.size())
                areas_[count_++] = *area;
            else
                size = Bytes{size.count() / 2};
        }
        EXPECT(count_ >= 2 && count_ < areas_.size());
    }
    ~AddressHoard()
    {
        while (count_ != 0)
            free_smallest();
    }

    // Frees the addresses of one or a few units.
    void free_smallest() { region_.free(*areas_[--count_]); }
    // Frees one unit as far as possible from all chunks so far, and `distance` from the unit freed before.
    void free_remote(Bytes distance)
    {
        const Bytes rest = areas_[0]->range.size - distance;
        region_.free(*areas_[0]);
        const auto start = region_.allocate(rest, percpu::kUnit);
        const auto end = region_.allocate(distance - percpu::kUnit, percpu::kUnit);
        ASSERT(start && end && count_ < areas_.size());
        areas_[0] = *start;
        areas_[count_++] = *end;
    }

private:
    mm::VmRegion& region_{mm::local_percpu_region()};
    std::array<mm::VmArea*, 64> areas_{};
    u32 count_{0};
};

// Where there has been no chunk yet, each slab needs a new table. It is allocated after the first page that
// it maps.
PERCIVAL_TEST(percpu_failure, a_table_for_a_page_may_fail)
{
    constexpr Bytes kTable = mm::KernelGeometry::entry_size(mm::Level{2});
    if (kTable >= mm::KernelLayout::kSlabSize)
        SKIP("a slab needs only one table, which it has from the start");
    const PercpuUse before = percpu_use();
    {
        PercpuHerd herd{200};
        AddressHoard hoard;
        for (u32 nth = 1; nth <= 12; ++nth) {
            while (herd.allocate(percpu::kMaxSize)) {
            }
            EXPECT(!herd.is_full());
            hoard.free_remote(kTable);
            fail_at(nth, percpu::kMaxSize, 1);
        }
        EXPECT(herd.are_signed());
    }
    expect_same_percpu_use(before);
}

PERCIVAL_TEST(percpu_failure, running_out_of_addresses_is_an_error_until_some_are_released)
{
    const PercpuUse before = percpu_use();
    {
        PercpuHerd herd{200};
        {
            AddressHoard hoard;
            hoard.free_smallest();
            while (herd.allocate(percpu::kMaxSize)) {
            }
            EXPECT(!herd.is_full());
            EXPECT_EQ(percpu::allocate(percpu::kMaxSize, kGrain).error(), percpu::Error::NoAddresses);
            EXPECT(herd.size() >= kLargestPerUnit);
            EXPECT(herd.are_signed());
            settle_percpu(); // the worker finds no addresses either
            herd.free_all();
        }
        EXPECT(herd.allocate(percpu::kMaxSize));
    }
    expect_same_percpu_use(before);
}

} // namespace
} // namespace percival

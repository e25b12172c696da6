// SPDX-License-Identifier: BSD-2-Clause
// Addresses of the regions: holes are reused, thousands of areas do not overlap, and a region that is used up
// becomes one hole again.
#include "mm/kernel_map/linear_map.hpp"
#include "mm/vmalloc/vm_allocation.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <span>

namespace percival {
namespace {

using mm::VmError;

// Maps one page of memory at `count` areas.
class ManyAreas : Immovable {
public:
    explicit ManyAreas(u64 count) : bases_{Bytes{count * sizeof(void*)}}
    {
        page_ = mm::allocate_page();
        all_ = {static_cast<void**>(bases_.get()), count};
        for (void*& base : all_)
            base = map();
    }
    ~ManyAreas()
    {
        for (void* base : all_)
            mm::vunmap(base);
        mm::flush_freed();
        mm::free_page(*page_);
    }

    void* map() const
    {
        const auto mapped = mm::vmap({&*page_, 1}, mm::kData);
        return EXPECT(mapped.has_value()) ? *mapped : nullptr;
    }
    std::span<void*> all() const { return all_; }
    // Writes `value` to the page and returns true if all areas show it.
    bool all_show(u64 value) const
    {
        u64 wrong = 0;
        *mm::linear_pointer<volatile u64>(*page_) = value;
        for (void* base : all_)
            wrong += *static_cast<volatile u64*>(base) != value;
        return wrong == 0;
    }

private:
    Vmalloced bases_;
    std::optional<PhysAddr> page_;
    std::span<void*> all_;
};

PERCIVAL_TEST(vmalloc_addresses, holes_between_neighbours_are_filled_from_the_lowest_up)
{
    vm_use();
    ManyAreas areas{500};
    void* freed[250];
    for (u64 index = 0; index < 250; ++index) {
        freed[index] = areas.all()[index * 2];
        mm::vunmap(freed[index]);
    }
    vm_use(); // flushes the freed areas and empties all CPUs' stocks
    for (u64 index = 0; index < 250; ++index) {
        areas.all()[index * 2] = areas.map();
        EXPECT_EQ(areas.all()[index * 2], freed[index]);
    }
    EXPECT(areas.all_show(1));
}

PERCIVAL_TEST(vmalloc_addresses, fifteen_thousand_areas_do_not_overlap_and_can_all_be_freed)
{
    constexpr u64 kAreas = 15'000;
    expect_nothing_kept([] {
        const u64 before = vm_use().areas;
        ManyAreas areas{kAreas};
        EXPECT(areas.all_show(2));
        // Frees one area at a time, anywhere in the middle. After the flush only that one is unmapped.
        u32 random = 3;
        for (u32 turn = 0; turn < 20; ++turn) {
            void*& base = areas.all()[next_random(random) % kAreas];
            mm::vunmap(base);
            mm::flush_freed();
            EXPECT(is_a_hole(address_of(base)));
            base = areas.map();
        }
        EXPECT(areas.all_show(3));
        EXPECT(mm::vmalloc_region().areas_in_use() >= before + kAreas);
    });
}

// A region of the test's own, in which it maps nothing.
constexpr u64 kOwnPages = 64;
constinit mm::VmRegion own_region{{VirtAddr{mm::KernelLayout::kModules.base}, kPage* kOwnPages}, kPage};

// Frees every area once, in steps of `step` modulo their number: in order, in strides, or from the end.
void release_in_turn(std::span<mm::VmArea*> areas, u64 step)
{
    for (u64 turn = 0; turn < areas.size(); ++turn)
        own_region.free(*areas[turn * step % areas.size()]);
}

PERCIVAL_TEST(vmalloc_addresses, exhausted_region_becomes_one_hole_again)
{
    constexpr u64 kMax = kOwnPages / 2;
    for (const u64 step : {1u, 3u, 31u}) { // each coprime to the number of areas
        mm::VmArea* areas[kMax];
        for (u64 index = 0; index < kMax; ++index) {
            const auto area = own_region.allocate(kPage, kPage);
            ASSERT(area.has_value());
            areas[index] = *area;
            EXPECT_EQ((*area)->range.base, own_region.range().base + kPage * 2 * index);
        }
        const auto one_more = own_region.allocate(kPage, kPage);
        EXPECT(!one_more && one_more.error() == VmError::NoAddresses);
        EXPECT_EQ(own_region.areas_in_use(), kMax);
        release_in_turn(areas, step);
        EXPECT_EQ(own_region.areas_in_use(), 0u);
        const auto whole = own_region.allocate(kPage * (kOwnPages - 1), kPage);
        ASSERT(whole.has_value());
        own_region.free(**whole);
    }
}

PERCIVAL_TEST(vmalloc_addresses, shortage_of_addresses_flushes_freed_areas)
{
    // The region has room for one such area but not for two, because some of its addresses are in use.
    static constexpr Bytes kHalf{mm::KernelLayout::kVmalloc.size.count() / 2};
    const auto allocate = [] { return mm::allocate_area(kHalf, kPage, mm::VmKind::Vmap, VirtAddr{0}); };
    expect_nothing_kept([&allocate] {
        mm::flush_freed();
        const auto first = allocate();
        ASSERT(first.has_value());
        const auto refused = allocate();
        EXPECT(!refused && refused.error() == VmError::NoAddresses);
        mm::undo_area(**first, Bytes{0});
        const auto again = allocate();
        ASSERT(again.has_value());
        mm::undo_area(**again, Bytes{0});
    });
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Tests that the linear map contains all RAM, with leaves of the requested size, and nothing that must not be
// mapped.
#include "arch/mmu/root_switch.hpp"
#include "kernel/device_tree/machine.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/physical/page_zones.hpp"
#include "tests/kernel/support/kernel_space.hpp"

#include <algorithm>

namespace percival {
namespace {

// Returns whether any part of `page` is reserved with no-map: then the whole page is not mapped.
bool is_reserved_with_no_map(PhysAddr page)
{
    for (const Reservation& reservation : this_machine().reserved) {
        if (reservation.no_map && reservation.range.overlaps({page, kPage}))
            return true;
    }
    return false;
}

bool is_mapped_to_itself(PhysAddr page)
{
    const auto translation = arch::translate(mm::linear_address(page));
    return translation.valid && translation.address == page;
}

PERCIVAL_TEST(linear_map, every_bank_is_mapped_from_its_first_page_to_its_last)
{
    for (const MemoryBank& bank : this_machine().memory) {
        const PhysAddr first = bank.range.base.align_up(kPage);
        const PhysAddr last = bank.range.end().align_down(kPage) - kPage;
        // Check a few thousand places in each bank, and its last page.
        const Bytes step = kPage * ((bank.range.size.count() >> mm::KernelGeometry::kPageShift) / 4096 + 1);
        for (PhysAddr page = first; page < last; page += step)
            ASSERT(is_reserved_with_no_map(page) || is_mapped_to_itself(page));
        EXPECT(is_reserved_with_no_map(last) || is_mapped_to_itself(last));
    }
}

PERCIVAL_TEST(linear_map, memory_reserved_with_no_map_has_no_mapping_unless_it_is_the_image)
{
    bool found = false;
    for (const Reservation& reservation : this_machine().reserved) {
        if (!reservation.no_map)
            continue;
        found = true;
        for (const PhysAddr address : {reservation.range.base, reservation.range.end() - Bytes{1}}) {
            if (!mm::image_in_memory().overlaps({address.align_down(kPage), kPage}))
                EXPECT(!arch::translate(mm::linear_address(address)).valid);
        }
    }
    if (!found)
        SKIP("this machine reserves nothing with no-map");
}

PERCIVAL_TEST(linear_map, all_pages_of_the_image_are_mapped_whatever_reserves_them)
{
    const PhysRange image = mm::image_in_memory();
    for (PhysAddr page = image.base; page < image.end(); page += kPage)
        ASSERT(is_mapped_to_itself(page));
}

// Either a block without special pieces is one leaf, or all leaves are pages.
PERCIVAL_TEST(linear_map, leaves_are_blocks_or_pages_as_requested)
{
    constexpr Bytes kBlock = mm::KernelGeometry::entry_size(mm::kLastLevel.up());
    constexpr u64 kMany = 4; // the special blocks are those of the image, the roots and the first tables
    u64 whole = 0;
    u64 mapped_as_blocks = 0;
    for (const MemoryBank& bank : this_machine().memory) {
        for (PhysAddr at = bank.range.base.align_up(kBlock);
             whole < 1024 && bank.range.contains(PhysRange{at, kBlock}); at += kBlock) {
            const auto leaf = mm::master_table().walk(mm::linear_address(at));
            ++whole;
            mapped_as_blocks += leaf.kind() == mm::PteKind::Leaf && leaf.level < mm::kLastLevel;
        }
    }
    if (whole < kMany)
        SKIP("there is not enough RAM for blocks without special pieces");
    EXPECT((mapped_as_blocks != 0) == (mm::linear_leaves == mm::Leaves::Largest));
}

// Boot allocates memory from the top, and the page allocator from the highest zone.
PERCIVAL_TEST(linear_map, ram_above_512_GiB_is_in_use_and_keeps_written_values)
{
    constexpr PhysAddr kHigh = PhysAddr{0} + 512_GiB;
    const PhysRange highest = std::ranges::max(this_machine().memory, {}, [](const MemoryBank& bank) {
                                  return bank.range.base;
                              }).range;
    if (highest.end() <= kHigh)
        SKIP("this machine has no RAM above 512 GiB");
    const VirtAddr percpu_data = mm::local_to_global(mm::KernelLayout::kLocalPercpu.base, kBootCpu);
    EXPECT(arch::translate(percpu_data).address >= kHigh);

    mm::PageZone* zone = mm::page_zones().containing(highest.end() - Bytes{1});
    ASSERT(zone != nullptr);
    constexpr mm::PageOrder kTwoPages{1}; // comes straight from a zone; a single page may have been cached
    const auto page = mm::allocate_pages_near(zone->node(), kTwoPages);
    ASSERT(page.has_value());
    EXPECT(zone->bank().contains(*page) && is_mapped_to_itself(*page));
    auto* words = mm::linear_pointer<volatile u64>(*page);
    words[0] = page->raw();
    words[kPage.count() / 8 - 1] = ~page->raw();
    EXPECT(words[0] == page->raw() && words[kPage.count() / 8 - 1] == ~page->raw());
    mm::free_pages(*page, kTwoPages);
}

PERCIVAL_TEST(linear_map, a_write_to_an_alias_is_seen_at_the_other_address)
{
    static constinit volatile u64 word = 0;
    auto* alias = mm::linear_pointer<volatile u64>(mm::image_to_physical(&word));
    *alias = 0x1234;
    EXPECT_EQ(word, 0x1234u);
    word = 0x5678;
    EXPECT_EQ(*alias, 0x5678u);
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
#include "mm/pages/page_blocks.hpp"

#include "mm/address_space/kernel_geometry.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"

#include <new>
#include <utility>

namespace percival::mm {

// A page of packed blocks. The list begins with the newest one.
struct PageBlocks::Notes {
    static constexpr std::size_t kMax = KernelGeometry::kPageSize.count() / sizeof(u64) - 2;

    Notes* older;
    u64 count;
    std::array<u64, kMax> blocks;
};

void PageBlocks::free_one(u64 packed)
{
    constexpr u64 kOrderMask = KernelGeometry::kPageSize.count() - 1;
    free_pages(PhysAddr{packed & ~kOrderMask}, PageOrder{static_cast<unsigned>(packed & kOrderMask)});
}

bool PageBlocks::push_to_notes(u64 packed)
{
    static_assert(sizeof(Notes) == KernelGeometry::kPageSize.count());
    if (notes_ == nullptr || notes_->count == Notes::kMax) {
        const auto page = allocate_page();
        if (!page)
            return false;
        auto* notes = linear_pointer<Notes>(*page);
        notes->older = notes_;
        notes->count = 0;
        notes_ = notes;
    }
    notes_->blocks[notes_->count++] = packed;
    return true;
}

void PageBlocks::free_all()
{
    for (u32 block = 0; block < count_; ++block)
        free_one(inline_[block]);
    count_ = 0;
    while (notes_ != nullptr) {
        for (u64 block = 0; block < notes_->count; ++block)
            free_one(notes_->blocks[block]);
        Notes* newest = std::exchange(notes_, notes_->older);
        free_page(linear_to_physical(address_of(newest)));
    }
}

} // namespace percival::mm

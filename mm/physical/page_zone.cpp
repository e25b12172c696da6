// SPDX-License-Identifier: BSD-2-Clause
#include "mm/physical/page_zone.hpp"

#include <algorithm>

namespace percival::mm {
namespace {

constexpr u64 kBlockPages = kMaxPageOrder.pages();

Bytes block_size(unsigned page_shift)
{
    return Bytes{kBlockPages << page_shift};
}

} // namespace

u64 PageZone::descriptors_for(PhysRange bank, unsigned page_shift)
{
    const Bytes block = block_size(page_shift);
    return (bank.end().align_up(block) - bank.base.align_down(block)).count() >> page_shift;
}

PhysRange PageZone::within_bank(PhysRange range) const
{
    const PhysAddr from = std::max(range.base, bank_.base);
    const PhysAddr to = std::min(range.end(), bank_.end());
    return from < to ? PhysRange{from, to - from} : PhysRange{from, Bytes{0}};
}

// No other CPU has the zone yet, which the thread-safety analysis does not know.
void PageZone::init(PhysRange bank, NumaNode node, unsigned page_shift, PageDescriptor* descriptors,
                    std::span<const EarlyMemory::FreeRange> free,
                    ZoneOrigin origin) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    bank_ = bank;
    base_ = bank.base.align_down(block_size(page_shift));
    node_ = node;
    origin_ = origin;
    page_shift_ = page_shift;
    descriptors_ = descriptors;
    ranges_ = free;
    closed_.store(false, std::memory_order_relaxed);
    known_.store(0, std::memory_order_relaxed);
    buddy_ = Buddy{};
    buddy_.set_descriptors(descriptors);
    unknown_free_pages_ = 0;
    for (const auto& [range, ignored] : free)
        unknown_free_pages_ += within_bank(range).size.count() >> page_shift;
    managed_pages_ = unknown_free_pages_;
}

PageDescriptor* PageZone::find(PhysAddr page) const
{
    const u32 index = index_of(page);
    return index < known_pages() ? descriptors_ + index : nullptr;
}

void PageZone::learn_block(u64 first)
{
    std::fill_n(descriptors_ + first, kBlockPages, PageDescriptor{});
    const PhysRange block{address_of_index(first), block_size(page_shift_)};
    for (const auto& [range, ignored] : ranges_) {
        const PhysRange inside = within_bank(range);
        if (!inside.overlaps(block))
            continue;
        const u32 from = index_of(std::max(inside.base, block.base));
        const u32 to = index_of(std::min(inside.end(), block.end()));
        buddy_.free_run(from, to - from);
        unknown_free_pages_ -= to - from;
    }
    // Release: a CPU that reads the new known_ also reads the contents of these descriptors.
    known_.store(first + kBlockPages, std::memory_order_release);
}

bool PageZone::learn()
{
    const u64 before = unknown_free_pages_;
    while (unknown_free_pages_ == before && before != 0)
        learn_block(known_.load(std::memory_order_relaxed));
    return before != 0;
}

std::optional<u32> PageZone::allocate_or_learn(PageOrder order)
{
    if (is_closed())
        return std::nullopt;
    for (;;) {
        if (const auto index = buddy_.allocate(order))
            return index;
        if (!learn())
            return std::nullopt;
    }
}

std::optional<PhysAddr> PageZone::allocate(PageOrder order)
{
    const IrqSpinGuard guard{lock_};
    const auto index = allocate_or_learn(order);
    return index ? std::optional{address_of_index(*index)} : std::nullopt;
}

std::size_t PageZone::allocate_cached(std::span<PageHandle> pages)
{
    const IrqSpinGuard guard{lock_};
    std::size_t count = 0;
    for (PageHandle& handle : pages) {
        const auto index = allocate_or_learn(kOnePage);
        if (!index)
            break;
        PageDescriptor& descriptor = descriptors_[*index];
        descriptor.store(PageState{PageUse::Cached}.with_poison(descriptor.load().is_poisoned()));
        handle = {address_of_index(*index), &descriptor};
        ++count;
    }
    return count;
}

void PageZone::free(PhysAddr page, PageOrder order)
{
    const IrqSpinGuard guard{lock_};
    buddy_.free(index_of(page), order);
}

std::size_t PageZone::free_cached(std::span<const PageHandle> pages)
{
    const IrqSpinGuard guard{lock_};
    std::size_t count = 0;
    for (const PageHandle& handle : pages) {
        if (!bank_.contains(handle.page))
            continue;
        handle.descriptor->store(
            PageState{PageUse::None}.with_poison(handle.descriptor->load().is_poisoned()));
        buddy_.free(index_of(handle.page), kOnePage);
        ++count;
    }
    return count;
}

void PageZone::close()
{
    const IrqSpinGuard guard{lock_};
    closed_.store(true, std::memory_order_relaxed);
}

void PageZone::open()
{
    const IrqSpinGuard guard{lock_};
    closed_.store(false, std::memory_order_relaxed);
}

u64 PageZone::free_pages()
{
    const IrqSpinGuard guard{lock_};
    return buddy_.free_pages() + unknown_free_pages_;
}

} // namespace percival::mm

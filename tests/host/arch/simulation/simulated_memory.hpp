// SPDX-License-Identifier: BSD-2-Clause
// The table pages of a simulated machine: host memory that represents physical pages far above 48 bits.
#pragma once

#include "arch/simulation/simulated_pte.hpp"

#include <bit>
#include <memory>
#include <optional>
#include <vector>

namespace percival::arch {

class SimulatedMemory {
public:
    static constexpr PhysAddr kBase{0xa'0000'4000'0000};

    struct Page {
        bool in_use{false};
        // The CPU that wrote the page while no walker could reach it, and has not made a DSB since.
        std::optional<u32> unpublished_by{};
        std::optional<mm::Level> level{}; // set when the page is linked
        std::vector<const u64*> links{};  // slots that point here, or did so and may still be seen
    };

    SimulatedMemory(Bytes page_size, u64 pages)
        : page_size_{page_size}, words_(page_size.count() / 8 * pages, kGarbage), pages_(pages)
    {
    }

    // Takes pages in turn, so that a freed page is not the next one to be used.
    std::optional<PhysAddr> allocate()
    {
        for (u64 tries = 0; tries < pages_.size(); ++tries) {
            const u64 index = next_++ % pages_.size();
            if (pages_[index].in_use)
                continue;
            pages_[index] = Page{.in_use = true, .unpublished_by = 0};
            ++in_use_;
            return kBase + page_size_ * index;
        }
        return std::nullopt;
    }
    void free(PhysAddr address)
    {
        page(address) = Page{};
        --in_use_;
        std::fill_n(pointer(address), entries(), kGarbage);
    }

    bool contains(PhysAddr address) const { return address >= kBase && index_of(address) < pages_.size(); }
    u64* pointer(PhysAddr address) { return words_.data() + index_of(address) * entries(); }
    const u64* pointer(PhysAddr address) const { return words_.data() + index_of(address) * entries(); }
    Page& page(PhysAddr address) { return pages_[index_of(address)]; }
    const Page& page(PhysAddr address) const { return pages_[index_of(address)]; }
    PhysAddr page_of(const u64* slot) const { return kBase + page_size_ * page_index(slot); }
    u64 page_index(const u64* slot) const { return word_index(slot) >> std::countr_zero(entries()); }
    u64 index_in_page(const u64* slot) const { return word_index(slot) & (entries() - 1); }
    u64 entries() const { return page_size_.count() / 8; } // of a table page
    u64 pages_in_use() const { return in_use_; }
    std::vector<Page>& pages() { return pages_; }

private:
    // A leaf to an address without memory: what a walker finds in a page that was linked before it was
    // zeroed.
    static constexpr u64 kGarbage =
        SimulatedPte::leaf(PhysAddr{0xb'adba'd000'0000}, mm::kLastLevel, mm::kData).raw();

    u64 word_index(const u64* slot) const { return static_cast<u64>(slot - words_.data()); }
    u64 index_of(PhysAddr address) const { return (address - kBase).count() / page_size_.count(); }

    Bytes page_size_;
    std::vector<u64> words_;
    std::vector<Page> pages_;
    u64 next_{0};
    u64 in_use_{0};
};

} // namespace percival::arch

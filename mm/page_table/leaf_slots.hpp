// SPDX-License-Identifier: BSD-2-Clause
// Maps and clears pages in neighbouring slots of one last-level table without a walk, for a caller that knows
// the slots. The caller owns the addresses that the slots translate.
//
// PageTable::slots_for() returns the slots. They stay valid as long as the table does: for good in a tree
// whose tables are shared (INV-page_table-4).
#pragma once

#include "mm/page_table/descriptor_writer.hpp"

#include <expected>
#include <span>

namespace percival::mm {

template <class G, PteFormat Pte, class Env>
class LeafSlots {
public:
    LeafSlots(Env& env, Pte* first) : env_{env}, first_{first} {}

    // Maps pages at invalid slots and publishes. `index` is the position of the first slot in its table.
    // Error: Misaligned, and then nothing is mapped.
    [[gnu::always_inline]] std::expected<void, MapError> map(u64 index, std::span<const PhysAddr> pages,
                                                             Attributes attributes)
    {
        if (!are_mappable(pages))
            return std::unexpected{MapError::Misaligned};
        fill(index, pages, attributes);
        env_.publish();
        return {};
    }

    // Maps one page, which is aligned and within the first kLinearOutput, and publishes.
    void map_page(PhysAddr page, Attributes attributes)
    {
        env_.store(first_, Pte::leaf(page, kLastLevel, attributes));
        env_.publish();
    }

    // Invalidates `count` leaves without flushing.
    void clear(u64 count) { DescriptorWriter<Pte, Env>{env_}.clear_leaves(first_, count); }

    // Does the same as map(), without publishing, for pages that are mappable.
    [[gnu::always_inline]] void fill(u64 index, std::span<const PhysAddr> pages, Attributes attributes)
    {
        const Pte plain = Pte::leaf(PhysAddr{0}, kLastLevel, attributes);
        for (Pte* slot = first_; !pages.empty();) {
            const bool run = (index & (kRun - 1)) == 0 && begins_with_run(pages);
            const u64 count = std::min<u64>(pages.size(), kRun - (index & (kRun - 1)));
            store_leaves(slot, pages.first(count), plain.with_contiguous(run));
            slot += count;
            index += count;
            pages = pages.subspan(count);
        }
    }

    // Returns whether all pages are aligned and within the first kLinearOutput.
    static bool are_mappable(std::span<const PhysAddr> pages)
    {
        u64 addresses = 0;
#pragma clang loop unroll_count(8)
        for (const PhysAddr page : pages)
            addresses |= page.raw();
        return PhysAddr{addresses}.is_aligned(G::kPageSize) &&
               PhysAddr{addresses} < PhysAddr{kLinearOutput.count()};
    }

private:
    static constexpr u64 kRun = G::contiguous_entries(kLastLevel);

    // Adds each page's address to a pattern. All outputs are within one kLinearOutput (INV-pte_format-1).
    void store_leaves(Pte* slot, std::span<const PhysAddr> pages, Pte pattern)
    {
#pragma clang loop unroll_count(8)
        for (u64 n = 0; n < pages.size(); ++n)
            env_.store(slot + n, Pte{pattern.raw() + pages[n].raw()});
    }

    // Returns whether the first kRun pages are neighbours that may share the contiguous hint. In most cases a
    // look at the first and the last of them decides.
    static bool begins_with_run(std::span<const PhysAddr> pages)
    {
        return pages.size() >= kRun && pages[0].is_aligned(G::kPageSize * kRun) &&
               pages[kRun - 1] - pages[0] == G::kPageSize * (kRun - 1) && are_neighbours(pages.first(kRun));
    }
    [[gnu::noinline]] static bool are_neighbours(std::span<const PhysAddr> pages)
    {
        for (u64 n = 1; n < pages.size(); ++n) {
            if (pages[n] != pages[0] + G::kPageSize * n)
                return false;
        }
        return true;
    }

    Env& env_;
    Pte* first_;
};

} // namespace percival::mm

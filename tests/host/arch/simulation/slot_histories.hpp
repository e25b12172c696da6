// SPDX-License-Identifier: BSD-2-Clause
// The former values of descriptors of a simulated machine: one sequence for all slots, in the order in which
// the values were noted. A step of the machine that concerns all slots goes through the sequence. To find the
// entries of one slot, there is an index for each table page that has had any.
#pragma once

#include "arch/simulation/simulated_memory.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace percival::arch {

// `Entry` has a member `slot`.
template <class Entry>
class SlotHistories {
public:
    bool empty() const { return entries_.empty(); }
    auto begin() { return entries_.begin(); }
    auto end() { return entries_.end(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

    void add(const SimulatedMemory& memory, Entry entry)
    {
        entries_.push_back(std::move(entry));
        link_next(memory);
    }

    // Calls `visit` with each entry of a slot, the newest first.
    template <class Visit>
    void for_each_of(const SimulatedMemory& memory, const u64* slot, Visit visit)
    {
        for (u32 at = newest_of(memory, slot); at != 0; at = older_[at - 1])
            visit(entries_[at - 1]);
    }
    template <class Visit>
    void for_each_of(const SimulatedMemory& memory, const u64* slot, Visit visit) const
    {
        for (u32 at = newest_of(memory, slot); at != 0; at = older_[at - 1])
            visit(entries_[at - 1]);
    }

    template <class Match>
    void erase_if(const SimulatedMemory& memory, Match match)
    {
        if (std::ranges::none_of(entries_, match))
            return;
        for (const Entry& entry : entries_)
            newest_[memory.page_index(entry.slot)][memory.index_in_page(entry.slot)] = 0;
        older_.clear();
        std::erase_if(entries_, match);
        while (older_.size() < entries_.size())
            link_next(memory);
    }

private:
    // Positions in `entries_` are counted from 1, and 0 means none.
    u32 newest_of(const SimulatedMemory& memory, const u64* slot) const
    {
        if (entries_.empty())
            return 0;
        const u64 page = memory.page_index(slot);
        return page < newest_.size() && !newest_[page].empty() ? newest_[page][memory.index_in_page(slot)]
                                                               : 0;
    }
    // Adds the first entry that is not in the index.
    void link_next(const SimulatedMemory& memory)
    {
        const u64* slot = entries_[older_.size()].slot;
        const u64 page = memory.page_index(slot);
        if (newest_.size() <= page)
            newest_.resize(page + 1);
        if (newest_[page].empty())
            newest_[page].resize(memory.entries());
        u32& newest = newest_[page][memory.index_in_page(slot)];
        older_.push_back(newest);
        newest = static_cast<u32>(older_.size());
    }

    std::vector<Entry> entries_;
    std::vector<u32> older_;               // of each entry, the one before it of the same slot
    std::vector<std::vector<u32>> newest_; // by page and slot
};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The member functions of SimulatedMachine: what a store, a barrier, a TLBI and an access do. Included by its header only.
#pragma once

#include <cinttypes>
#include <cstdio>

namespace percival::arch {

template <class G>
std::string SimulatedMachine<G>::describe(VirtAddr address, Pte pte, Level level)
{
    char text[96];
    std::snprintf(text, sizeof text, "V:%016" PRIx64 " level %d descriptor %016" PRIx64, address.raw(),
                  level.number(), pte.raw());
    return text;
}

// Every address that is, or may still be, translated through `slot`.
template <class G>
auto SimulatedMachine<G>::places_of(const u64* slot) const -> std::vector<Place>
{
    const PhysAddr table = memory_.page_of(slot);
    const SimulatedMemory::Page& page = memory_.page(table);
    if (!page.level)
        return {};
    const Bytes offset = G::entry_size(*page.level) * memory_.index_in_page(slot);
    std::vector<Place> places;
    if (*page.level == G::kRootLevel) {
        CpuMask cpus = 0;
        for (u32 cpu = 0; cpu < roots_.size(); ++cpu)
            cpus |= roots_[cpu] == table ? CpuMask{1} << cpu : 0;
        places.push_back({cpus, G::kKernelBase + offset});
    }
    for (const u64* above : page.links) {
        for (const Place& place : places_of(above))
            places.push_back({place.cpus, place.address + offset});
    }
    return places;
}

template <class G>
std::vector<u64> SimulatedMachine<G>::values_of(const u64* slot, u32 cpu) const
{
    std::vector<u64> values{*slot};
    for (const Values* former : {&pending_, &unsynchronized_[cpu]}) {
        if (const auto found = former->find(slot); found != former->end())
            values.insert(values.end(), found->second.begin(), found->second.end());
    }
    return values;
}

template <class G>
void SimulatedMachine<G>::store(u64* slot, u64 value)
{
    SimulatedMemory::Page& page = memory_.page(memory_.page_of(slot));
    if (!page.in_use)
        violate("a descriptor was written to a table that had been freed");
    if (!page.level) {
        page.unpublished = true;
        *slot = value;
        return;
    }
    const Level level = *page.level;
    const Pte old{*slot};
    const Pte now{value};
    check_overwrite(old, now, level, slot);
    if (now.kind(level) != Kind::Invalid)
        check_new(now, level, slot);
    if (old.kind(level) != Kind::Invalid && old != now)
        make_stale(slot, old, level);
    pending_[slot].push_back(old.raw());
    *slot = value;
    if (now.kind(level) == Kind::Table)
        link(now.address(), level.down(), slot);
    if (now.kind(level) == Kind::Leaf || old.kind(level) == Kind::Leaf)
        check_run(slot, level, false);
}

template <class G>
void SimulatedMachine<G>::zero(u64* table, Bytes size)
{
    SimulatedMemory::Page& page = memory_.page(memory_.page_of(table));
    if (page.level)
        violate("a table was zeroed while walkers could reach it");
    page.unpublished = true;
    std::fill_n(table, size.count() / 8, u64{0});
}

// The rules of break-before-make, written down a second time and not taken from mm/descriptor_change.hpp.
template <class G>
void SimulatedMachine<G>::check_overwrite(Pte old, Pte now, Level level, const u64* slot)
{
    if (old.kind(level) == Kind::Invalid || now.kind(level) == Kind::Invalid || old == now)
        return;
    const bool leaves = old.kind(level) == Kind::Leaf && now.kind(level) == Kind::Leaf;
    const bool same_output =
        leaves && old.address() == now.address() && old.attributes().memory == now.attributes().memory;
    if (same_output && !old.is_contiguous() && !now.is_contiguous())
        return; // permissions
    if (resizes_live_ && same_output && old.attributes() == now.attributes())
        return; // the contiguous hint
    if (resizes_live_ && old.kind(level) == Kind::Leaf && now.kind(level) == Kind::Table &&
        maps_the_same(old, level, now.address()))
        return;
    const auto places = places_of(slot);
    violate("a valid descriptor was overwritten: " +
            describe(places.empty() ? VirtAddr{0} : places[0].address, old, level));
}

template <class G>
bool SimulatedMachine<G>::maps_the_same(Pte block, Level level, PhysAddr table) const
{
    const Level lower = level.down();
    const u64* entries = memory_.pointer(table);
    for (u64 index = 0; index < G::entries(lower); ++index) {
        const Pte entry{entries[index]};
        if (entry.kind(lower) != Kind::Leaf || entry.attributes() != block.attributes() ||
            entry.address() != block.address() + G::entry_size(lower) * index)
            return false;
    }
    return true;
}

template <class G>
void SimulatedMachine<G>::check_new(Pte now, Level level, const u64* slot)
{
    if (now.kind(level) == Kind::Leaf) {
        if (!level.is_last() && !G::block_allowed(level))
            violate("a block at level " + std::to_string(level.number()));
        if (!now.address().is_aligned(G::entry_size(level)))
            violate("a misaligned output address: " + describe(VirtAddr{0}, now, level));
    } else if (level.is_last()) {
        violate("a table below the last level");
    } else if (!memory_.contains(now.address()) || !memory_.page(now.address()).in_use) {
        violate("a link to a page that is no table");
        return;
    } else if (memory_.page(now.address()).unpublished) {
        violate("a table was linked before its contents were visible to walkers");
    }
    if (stale_.empty())
        return;
    for (const Place& place : places_of(slot))
        check_against_stale(now, level, place);
}

// An entry may be made only when no TLB can hold another one for the same addresses.
template <class G>
void SimulatedMachine<G>::check_against_stale(Pte now, Level level, Place place)
{
    const VirtRange range{place.address, G::entry_size(level)};
    for (const Stale& stale : stale_) {
        if ((stale.cpus & place.cpus) == 0 || !stale.range.overlaps(range) || stale.pte == now)
            continue;
        const bool both_leaves = stale.pte.kind(stale.level) == Kind::Leaf && now.kind(level) == Kind::Leaf;
        const bool same =
            both_leaves && stale.pte.attributes() == now.attributes() &&
            stale.pte.address().raw() - stale.range.base.raw() == now.address().raw() - range.base.raw();
        // Above a leaf a table is no translation; below a stale table it is one more walk.
        const bool unrelated =
            stale.level != level && !both_leaves && stale.pte.kind(stale.level) == Kind::Table;
        const bool resized = resizes_live_ && now.kind(level) == Kind::Table && stale.level == level;
        if (!same && !unrelated && !resized)
            violate("made while a TLB may still hold what was there before: " +
                    describe(place.address, now, level) + ", stale " +
                    describe(stale.range.base, stale.pte, stale.level));
    }
}

// All valid entries of a contiguous run must agree; and all must be there once an operation is over.
template <class G>
void SimulatedMachine<G>::check_run(const u64* slot, Level level, bool complete)
{
    const u64 run = G::contiguous_entries(level);
    if (run == 1)
        return;
    const u64* first = slot - (memory_.index_in_page(slot) & (run - 1));
    if (!complete) {
        touched_runs_.insert(first);
        // A run that is being filled is looked at when its last entry is there.
        if (slot != first + (run - 1) && Pte{slot[1]}.kind(level) == Kind::Invalid)
            return;
    }
    const Pte* reference = nullptr;
    u64 valid = 0;
    Pte kept;
    bool has_run = false, agree = true;
    u64 reference_index = 0;
    for (u64 index = 0; index < run; ++index) {
        const Pte entry{first[index]};
        if (entry.kind(level) != Kind::Leaf)
            continue;
        ++valid;
        has_run = has_run || entry.is_contiguous();
        if (reference == nullptr) {
            kept = entry;
            reference = &kept;
            reference_index = index;
        }
        agree = agree && entry.is_contiguous() == kept.is_contiguous() &&
                entry.attributes() == kept.attributes() &&
                entry.address().raw() - kept.address().raw() ==
                    (index - reference_index) * G::entry_size(level).count();
    }
    if (!has_run)
        return;
    const PhysAddr output = kept.address() - G::entry_size(level) * reference_index;
    if (!output.is_aligned(G::entry_size(level) * run))
        violate("a misaligned contiguous run: " + describe(VirtAddr{0}, kept, level));
    // While the hint is taken off live, entries differ in it.
    if (!agree && (complete || !resizes_live_))
        violate("the entries of a contiguous run disagree: " + describe(VirtAddr{0}, kept, level));
    if (complete && valid != run)
        violate("a contiguous run has holes: " + describe(VirtAddr{0}, kept, level));
}

template <class G>
void SimulatedMachine<G>::link(PhysAddr table, Level level, const u64* from)
{
    if (!memory_.contains(table))
        return;
    SimulatedMemory::Page& page = memory_.page(table);
    if (std::ranges::find(page.links, from) == page.links.end())
        page.links.push_back(from);
    if (page.level)
        return;
    page.level = level;
    const u64* entries = memory_.pointer(table);
    for (u64 index = 0; index < G::entries(level); ++index) {
        const Pte entry{entries[index]};
        if (entry.kind(level) == Kind::Table)
            link(entry.address(), level.down(), entries + index);
        else if (entry.kind(level) == Kind::Leaf && index % G::contiguous_entries(level) == 0)
            check_run(entries + index, level, false);
    }
}

template <class G>
void SimulatedMachine<G>::make_stale(const u64* slot, Pte old, Level level)
{
    for (const Place& place : places_of(slot)) {
        if (place.cpus == 0)
            continue;
        stale_.push_back({place.cpus, {place.address, G::entry_size(level)}, level, old, Removal::Stored});
        if (old.kind(level) == Kind::Table)
            make_stale_below(old.address(), level.down(), place);
    }
}

template <class G>
void SimulatedMachine<G>::make_stale_below(PhysAddr table, Level level, Place place)
{
    const u64* entries = memory_.pointer(table);
    for (u64 index = 0; index < G::entries(level); ++index) {
        const Pte entry{entries[index]};
        if (entry.kind(level) == Kind::Invalid)
            continue;
        const Place below{place.cpus, place.address + G::entry_size(level) * index};
        stale_.push_back({below.cpus, {below.address, G::entry_size(level)}, level, entry, Removal::Stored});
        if (entry.kind(level) == Kind::Table)
            make_stale_below(entry.address(), level.down(), below);
    }
}

template <class G>
void SimulatedMachine<G>::dsb(Shareability shareability, Access access)
{
    ++counts.dsbs;
    const bool reaches_all = shareability != Shareability::NonShareable || roots_.size() == 1;
    if (access != Access::Load && reaches_all) {
        for (auto& [slot, values] : pending_) {
            auto& kept = unsynchronized_[executing_][slot];
            kept.insert(kept.end(), values.begin(), values.end());
        }
        pending_.clear();
        for (SimulatedMemory::Page& page : memory_.pages())
            page.unpublished = false;
        for (Stale& stale : stale_)
            stale.removal = std::max(stale.removal, Removal::Visible);
    }
    if (access != Access::Any)
        return;
    // TLBIs are complete; the CPU that waited for them needs its ISB yet.
    const CpuMask own = CpuMask{1} << executing_;
    for (Stale& stale : stale_) {
        if (stale.removal != Removal::Invalidated || (!reaches_all && stale.cpus != own))
            continue;
        stale.removal = Removal::Completed;
        stale.cpus &= own;
    }
    std::erase_if(stale_, [](const Stale& stale) { return stale.cpus == 0; });
}

template <class G>
void SimulatedMachine<G>::isb()
{
    ++counts.isbs;
    unsynchronized_[executing_].clear();
    std::erase_if(stale_, [this](const Stale& stale) {
        return stale.removal == Removal::Completed && stale.cpus == CpuMask{1} << executing_;
    });
}

template <class G>
template <class Match>
void SimulatedMachine<G>::invalidate(TlbScope scope, Match match)
{
    const CpuMask reached = scope == TlbScope::AllCpus ? all_cpus() : CpuMask{1} << executing_;
    std::vector<Stale> others;
    for (Stale& stale : stale_) {
        // What walkers may still see they may fetch again right after.
        if (stale.removal != Removal::Visible || (stale.cpus & reached) == 0 || !match(stale))
            continue;
        if ((stale.cpus & ~reached) != 0) {
            others.push_back(stale);
            others.back().cpus &= ~reached;
        }
        stale.cpus &= reached;
        stale.removal = Removal::Invalidated;
    }
    stale_.insert(stale_.end(), others.begin(), others.end());
}

template <class G>
void SimulatedMachine<G>::tlbi(VirtRange range, TlbEntries entries, TlbScope scope)
{
    ++counts.tlbis;
    invalidate(scope, [&](const Stale& stale) {
        const bool leaf = stale.pte.kind(stale.level) == Kind::Leaf;
        return stale.range.overlaps(range) && (leaf || entries == TlbEntries::LeavesAndTables);
    });
}

template <class G>
void SimulatedMachine<G>::tlbi_all(TlbScope scope)
{
    ++counts.tlbis;
    ++counts.full_tlbis;
    invalidate(scope, [](const Stale&) { return true; });
}

template <class G>
void SimulatedMachine<G>::free_page(PhysAddr table)
{
    SimulatedMemory::Page& page = memory_.page(table);
    if (!page.in_use)
        violate("a table was freed twice");
    for (const u64* slot : page.links) {
        for (const u64 value : values_of(slot, executing_)) {
            const Pte entry{value};
            if (entry.kind(G::kRootLevel) == Kind::Table && entry.address() == table)
                violate("a table was freed while walkers may reach it");
        }
    }
    for (const Stale& stale : stale_) {
        if (stale.pte.kind(stale.level) == Kind::Table && stale.pte.address() == table)
            violate("a table was freed while a walk cache may lead to it: " +
                    describe(stale.range.base, stale.pte, stale.level));
    }
    // Its own slots are no links any more.
    const u64* entries = memory_.pointer(table);
    for (SimulatedMemory::Page& other : memory_.pages())
        std::erase_if(other.links, [&](const u64* slot) {
            return slot >= entries && slot < entries + G::kPageSize.count() / 8;
        });
    std::erase_if(touched_runs_, [&](const u64* slot) {
        return slot >= entries && slot < entries + G::kPageSize.count() / 8;
    });
    memory_.free(table);
}

template <class G>
void SimulatedMachine<G>::reuse_memory(PhysRange range)
{
    for (const Stale& stale : stale_) {
        if (stale.pte.kind(stale.level) == Kind::Leaf &&
            range.overlaps({stale.pte.address(), stale.range.size}))
            violate("memory was reused while a TLB may map it: " +
                    describe(stale.range.base, stale.pte, stale.level));
    }
}

template <class G>
void SimulatedMachine<G>::outcomes_of_leaf(const u64* slot, Pte pte, Level level, VirtAddr address, u32 cpu,
                                           std::vector<Outcome>& out)
{
    if (pte.kind(level) == Kind::Leaf) {
        const VirtAddr base = address.align_down(G::entry_size(level));
        add(out, {pte.address() + (address - base), pte.attributes()});
    } else {
        add(out, {});
    }
    // A neighbour with the contiguous hint speaks for the whole run.
    const u64 run = G::contiguous_entries(level);
    const u64 index = memory_.index_in_page(slot);
    const u64* first = slot - (index & (run - 1));
    for (u64 n = 0; run > 1 && n < run; ++n) {
        for (const u64 value : values_of(first + n, cpu)) {
            const Pte other{value};
            if (other.kind(level) != Kind::Leaf || !other.is_contiguous())
                continue;
            const VirtAddr run_base = address.align_down(G::entry_size(level) * run);
            const PhysAddr output = other.address() - G::entry_size(level) * n;
            add(out, {output + (address - run_base), other.attributes()});
        }
    }
}

template <class G>
void SimulatedMachine<G>::walk(PhysAddr table, Level level, VirtAddr address, u32 cpu,
                               std::vector<Outcome>& out)
{
    if (!memory_.contains(table)) {
        violate("a walk left the tables");
        return;
    }
    const u64* slot = memory_.pointer(table) + G::index(level, address);
    for (const u64 value : values_of(slot, cpu)) {
        const Pte pte{value};
        if (pte.kind(level) == Kind::Table && !level.is_last())
            walk(pte.address(), level.down(), address, cpu, out);
        else
            outcomes_of_leaf(slot, pte, level, address, cpu, out);
    }
}

template <class G>
void SimulatedMachine<G>::own_outcomes(u32 cpu, VirtAddr address, std::vector<Outcome>& out)
{
    walk(roots_[cpu], G::kRootLevel, address, cpu, out);
    for (const Stale& stale : stale_) {
        if ((stale.cpus >> cpu & 1) == 0 || !stale.range.contains(address))
            continue;
        if (stale.pte.kind(stale.level) == Kind::Table)
            walk(stale.pte.address(), stale.level.down(), address, cpu, out);
        else
            add(out, {stale.pte.address() + (address - stale.range.base), stale.pte.attributes()});
    }
}

template <class G>
std::vector<Outcome> SimulatedMachine<G>::outcomes(u32 cpu, VirtAddr address)
{
    std::vector<Outcome> out;
    own_outcomes(cpu, address, out);
    for (u32 other = 0; shared_tlbs_ && other < roots_.size(); ++other)
        own_outcomes(other, address, out);
    return out;
}

template <class G>
Outcome SimulatedMachine<G>::access(u32 cpu, VirtAddr address)
{
    const std::vector<Outcome> all = outcomes(cpu, address);
    if (all.size() != 1)
        violate("CPU " + std::to_string(cpu) + " may get " + std::to_string(all.size()) +
                " different things at " + describe(address, Pte{}, G::kRootLevel));
    return all[0];
}

template <class G>
void SimulatedMachine<G>::expect_settled()
{
    if (!pending_.empty())
        violate("descriptors were stored and not published by a DSB");
    if (!unsynchronized_[executing_].empty())
        violate("no ISB after descriptors were published");
    for (const Stale& stale : stale_)
        violate("not invalidated: " + describe(stale.range.base, stale.pte, stale.level));
    for (const u64* slot : touched_runs_)
        check_run(slot, *memory_.page(memory_.page_of(slot)).level, true);
    touched_runs_.clear();
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The part of SimulatedMachine for stores of descriptors: their effects, and the checks for mistakes.
// Included only by simulated_machine.hpp.
#pragma once

#include <cinttypes>
#include <cstdio>

namespace percival::arch {

template <class G>
std::string SimulatedMachine<G>::describe(VirtAddr address, Pte pte, Level level)
{
    char text[96];
    static_cast<void>(std::snprintf(text, sizeof text, "V:%016" PRIx64 " level %d descriptor %016" PRIx64,
                                    address.raw(), level.number(), pte.raw()));
    return text;
}

// Returns every address that is, or may still be, translated through `slot`.
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
            cpus |= uses_root(cpu, table) ? CpuMask{1} << cpu : 0;
        places.push_back({cpus, G::kKernelBase + offset});
    }
    for (const u64* above : page.links) {
        for (const Place& place : places_of(above))
            places.push_back({place.cpus, place.address + offset});
    }
    return places;
}

// Calls `visit` with each value that a walk of `cpu` may find in `slot`.
template <class G>
template <class Visit>
void SimulatedMachine<G>::for_each_value_of(const u64* slot, u32 cpu, Visit visit) const
{
    visit(*slot);
    pending_.for_each_of(memory_, slot, [&](const Former& one) {
        if ((one.hidden >> cpu & 1) == 0)
            visit(one.value);
    });
    unsynchronized_[cpu].for_each_of(memory_, slot, [&](const Late& one) {
        if (!walks_after_dsb_ || !one.is_waited)
            visit(one.value);
    });
}

template <class G>
void SimulatedMachine<G>::load(const u64* slot)
{
    step(executing_ == only_editor_ ? Step::Kind::Local : Step::Kind::Load, slot);
    see(slot, Taking::Load);
}

template <class G>
template <class Visit>
void SimulatedMachine<G>::for_each_witness_of(const u64* slot, Visit visit)
{
    unsynchronized_[executing_].for_each_of(memory_, slot, [&](Late& late) { visit(late.witness); });
    pending_.for_each_of(memory_, slot, [&](Former& former) { visit(former.witness); });
}

template <class G>
void SimulatedMachine<G>::see(const u64* slot, Taking taking)
{
    for_each_witness_of(slot, [&](Witness& witness) { take(witness, taking); });
}

// The executing CPU stores to `table`, whose address it has got by loading the descriptors that lead there.
template <class G>
void SimulatedMachine<G>::depend_on(PhysAddr table)
{
    for (const u64* above : memory_.page(table).links) {
        for_each_witness_of(above, [this](Witness& witness) { witness.storers |= witness.loaders & self(); });
        depend_on(memory_.page_of(above));
    }
}

template <class G>
void SimulatedMachine<G>::store(u64* slot, u64 value)
{
    step(memory_.page(memory_.page_of(slot)).level ? Step::Kind::Store : Step::Kind::Local, slot);
    put(slot, value);
}

template <class G>
u64 SimulatedMachine<G>::link(u64* slot, u64 value)
{
    step(Step::Kind::Store, slot);
    const u64 before = *slot;
    see(slot, before == 0 ? Taking::Exchange : Taking::Load);
    if (before == 0)
        put(slot, value);
    return before;
}

template <class G>
void SimulatedMachine<G>::put(u64* slot, u64 value)
{
    SimulatedMemory::Page& page = memory_.page(memory_.page_of(slot));
    if (!page.in_use)
        violate("a descriptor was written to a table that had been freed");
    if (only_editor_.value_or(executing_) != executing_)
        violate("a descriptor was written by a CPU that does not edit");
    if (!page.level) {
        page.unpublished_by = executing_;
        *slot = value;
        return;
    }
    const Level level = *page.level;
    const Pte old{*slot};
    const Pte now{value};
    if ((mere_loaders_ & self()) != 0)
        depend_on(memory_.page_of(slot));
    // A store comes after all earlier ones to the same slot (coherence).
    for_each_witness_of(slot, [this](Witness& witness) { witness.storers |= self(); });
    ++stores_;
    check_overwrite(old, now, level, slot);
    if (kind_of(now, level) != Kind::Invalid)
        check_new(now, level, slot);
    if (kind_of(old, level) != Kind::Invalid && old != now)
        make_stale(slot, old, level);
    pending_.add(memory_, {slot, old.raw(), stores_, {self()}});
    *slot = value;
    if (now.kind(level) == Kind::Table)
        attach(now.address(), level.down(), slot);
    if (now.kind(level) == Kind::Leaf || old.kind(level) == Kind::Leaf)
        check_run(slot, level, false);
}

template <class G>
void SimulatedMachine<G>::zero(u64* table, Bytes size)
{
    SimulatedMemory::Page& page = memory_.page(memory_.page_of(table));
    if (page.level)
        violate("a table was zeroed while walkers could reach it");
    page.unpublished_by = executing_;
    std::fill_n(table, size.count() / 8, u64{0});
}

// Checks the rules of break-before-make. They are written down a second time here, independently of
// mm/page_table/descriptor_change.hpp.
template <class G>
void SimulatedMachine<G>::check_overwrite(Pte old, Pte now, Level level, const u64* slot)
{
    if (kind_of(old, level) == Kind::Invalid || kind_of(now, level) == Kind::Invalid || old == now)
        return;
    const bool leaves = old.kind(level) == Kind::Leaf && now.kind(level) == Kind::Leaf;
    if (leaves && !needs_break(old, now, level) && !old.is_contiguous() && !now.is_contiguous())
        return; // permissions change, or the address of memory that nobody writes
    if (leaves && may_be_resized(slot) && old.with_contiguous(false) == now.with_contiguous(false))
        return; // only the contiguous hint changes
    if (old.kind(level) == Kind::Leaf && now.kind(level) == Kind::Table && may_be_resized(slot) &&
        maps_the_same(old, level, now.address()))
        return;
    if (old.kind(level) == Kind::Table && now.kind(level) == Kind::Leaf && may_be_resized(slot) &&
        maps_the_same(now, level, old.address()))
        return;
    const auto places = places_of(slot);
    violate("a valid descriptor was overwritten: " +
            describe(places.empty() ? VirtAddr{0} : places[0].address, old, level));
}

// Returns whether a leaf may become another of the same size only by way of an invalid entry (Arm ARM
// D8.16.1).
template <class G>
bool SimulatedMachine<G>::needs_break(Pte old, Pte now, Level level) const
{
    if (!old.is_same_kind_of_memory(now) || (now.is_global() && !old.is_global()))
        return true;
    const bool writable = old.rights().writable || now.rights().writable;
    return old.address() != now.address() &&
           (writable || !has_same_contents(old.address(), now.address(), G::entry_size(level)));
}

template <class G>
bool SimulatedMachine<G>::has_same_contents(PhysAddr a, PhysAddr b, Bytes size) const
{
    const auto contents = [this](PhysAddr page) {
        const auto found = contents_.find(page.raw());
        return found == contents_.end() ? page.raw() : found->second;
    };
    for (Bytes offset{0}; offset < size; offset = offset + G::kPageSize) {
        if (contents(a + offset) != contents(b + offset))
            return false;
    }
    return true;
}

template <class G>
bool SimulatedMachine<G>::maps_the_same(Pte block, Level level, PhysAddr table) const
{
    const Level lower = level.down();
    const u64* entries = memory_.pointer(table);
    for (u64 index = 0; index < G::entries(lower); ++index) {
        const Pte entry{entries[index]};
        if (entry.kind(lower) == Kind::Table && !lower.is_last()) {
            const PhysAddr part = block.address() + G::entry_size(lower) * index;
            if (!maps_the_same(Pte::leaf(part, lower, block.attributes()), lower, entry.address()))
                return false;
            continue;
        }
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
        violate("a link to a page that is not a table in use");
        return;
    } else if (memory_.page(now.address()).unpublished_by) {
        violate("a table was linked before its contents were visible to walkers");
    }
    if (stale_.empty())
        return;
    for (const Place& place : places_of(slot))
        check_against_stale(now, level, place);
}

// Checks that no TLB can hold another entry for the same addresses when an entry is made.
template <class G>
void SimulatedMachine<G>::check_against_stale(Pte now, Level level, Place place)
{
    const VirtRange range{place.address, G::entry_size(level)};
    for (const Stale& stale : stale_) {
        if ((stale.cpus & place.cpus) == 0 || !stale.range.overlaps(range) || stale.pte == now)
            continue;
        if (stale.removal == Removal::Completed)
            continue; // the TLBs do not have it, and only its CPU needs an ISB
        const bool both_leaves = stale.pte.kind(stale.level) == Kind::Leaf && now.kind(level) == Kind::Leaf;
        if (both_leaves && stale.level == level && !stale.pte.is_contiguous() && !now.is_contiguous() &&
            !needs_break(stale.pte, now, level))
            continue; // as if it had been overwritten
        const bool same =
            both_leaves && stale.pte.attributes() == now.attributes() &&
            stale.pte.address().raw() - stale.range.base.raw() == now.address().raw() - range.base.raw();
        // A stale table at another level does not conflict: it translates nothing itself, it only leads to
        // one more walk.
        const bool unrelated =
            stale.level != level && !both_leaves && stale.pte.kind(stale.level) == Kind::Table;
        const bool resized =
            stale.level == level && (stale.cpus & place.cpus & ~resizes_live_) == 0 &&
            (now.kind(level) == Kind::Table ||
             (stale.pte.kind(level) == Kind::Table && maps_the_same(now, level, stale.pte.address())));
        if (!same && !unrelated && !resized)
            violate("an entry was made while a TLB may still hold an old one: " +
                    describe(place.address, now, level) + ", stale " +
                    describe(stale.range.base, stale.pte, stale.level));
    }
}

// Checks that all valid entries of a contiguous run agree, and, once an operation is over (`complete`), that
// all exist.
template <class G>
void SimulatedMachine<G>::check_run(const u64* slot, Level level, bool complete)
{
    const u64 run = G::contiguous_entries(level);
    if (run == 1)
        return;
    const u64* first = slot - (memory_.index_in_page(slot) & (run - 1));
    if (!complete) {
        touched_runs_.insert(first);
        // A run that is being filled is checked when its last entry is written.
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
    // While the hint is removed from a live run, its entries differ in it.
    if (!agree && (complete || !may_be_resized(first)))
        violate("the entries of a contiguous run disagree: " + describe(VirtAddr{0}, kept, level));
    if (complete && valid != run)
        violate("a contiguous run has holes: " + describe(VirtAddr{0}, kept, level));
}

template <class G>
void SimulatedMachine<G>::attach(PhysAddr table, Level level, const u64* from)
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
            attach(entry.address(), level.down(), entries + index);
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
        const Stale stale{
            place.cpus, {place.address, G::entry_size(level)}, level, old, Removal::Stored, slot, stores_};
        add_stale(stale);
        if (old.kind(level) == Kind::Table)
            make_stale_below(old.address(), level.down(), place, slot);
    }
}

template <class G>
void SimulatedMachine<G>::make_stale_below(PhysAddr table, Level level, Place place, const u64* slot)
{
    const u64* entries = memory_.pointer(table);
    for (u64 index = 0; index < G::entries(level); ++index) {
        const Pte entry{entries[index]};
        if (kind_of(entry, level) == Kind::Invalid)
            continue;
        const Place below{place.cpus, place.address + G::entry_size(level) * index};
        add_stale({below.cpus,
                   {below.address, G::entry_size(level)},
                   level,
                   entry,
                   Removal::Stored,
                   slot,
                   stores_});
        if (entry.kind(level) == Kind::Table)
            make_stale_below(entry.address(), level.down(), below, slot);
    }
}

// Notes an entry that is gone from the tables: for each CPU that is off, as one that it keeps.
template <class G>
void SimulatedMachine<G>::add_stale(Stale stale)
{
    for (u32 cpu = 0; cpu < roots_.size(); ++cpu) {
        if ((off_ & stale.cpus) >> cpu & 1)
            retained_[cpu].push_back(stale);
    }
    stale.cpus &= ~off_;
    if (stale.cpus != 0)
        stale_.push_back(stale);
}

} // namespace percival::arch

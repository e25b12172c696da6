// SPDX-License-Identifier: BSD-2-Clause
// The part of SimulatedMachine for barriers, TLBIs, accesses, and pages that change owners. Included only by
// simulated_machine.hpp.
#pragma once

namespace percival::arch {

// Returns whether a barrier of the executing CPU changes what other CPUs may see of removed entries.
template <class G>
bool SimulatedMachine<G>::has_stale_to_move_on() const
{
    return std::ranges::any_of(stale_, [this](const Stale& stale) {
        return (stale.removal == Removal::Stored && (stale.publishers & self()) != 0) ||
               (stale.removal == Removal::Invalidated && (stale.invalidators & self()) != 0) ||
               (stale.removal == Removal::Completed && stale.cpus == self());
    });
}

template <class G>
void SimulatedMachine<G>::dsb(Shareability shareability, Access access)
{
    step(has_stale_to_move_on() ? Step::Kind::Global : Step::Kind::Barrier);
    ++counts.dsbs;
    const bool reaches_all = shareability != Shareability::NonShareable || roots_.size() == 1;
    if (access != Access::Load && reaches_all) {
        for (auto& [slot, formers] : pending_) {
            for (const Former& former : formers) {
                if ((former.publishers & self()) != 0)
                    unsynchronized_[executing_][slot].push_back(former);
            }
            std::erase_if(formers,
                          [this](const Former& former) { return (former.publishers & self()) != 0; });
        }
        std::erase_if(pending_, [](const auto& slot) { return slot.second.empty(); });
        for (SimulatedMemory::Page& page : memory_.pages()) {
            if (page.unpublished_by == executing_)
                page.unpublished_by.reset();
        }
        for (Stale& stale : stale_) {
            if ((stale.publishers & self()) != 0)
                stale.removal = std::max(stale.removal, Removal::Visible);
        }
    }
    if (access == Access::Any)
        complete_tlbis(reaches_all);
}

// Completes TLBIs. The CPU that waited for them still needs its ISB.
template <class G>
void SimulatedMachine<G>::complete_tlbis(bool reaches_all)
{
    if (reaches_all)
        std::erase_if(outstanding_,
                      [this](const Outstanding& access) { return (access.awaited_by & self()) != 0; });
    for (Stale& stale : stale_) {
        if (stale.removal != Removal::Invalidated || (stale.invalidators & self()) == 0 ||
            (!reaches_all && stale.cpus != self()))
            continue;
        stale.removal = Removal::Completed;
        stale.cpus &= self();
        if (completes_tlbi_early_ && stale.by_broadcast && stale.pte.kind(stale.level) == Kind::Leaf)
            outstanding_.push_back({{stale.pte.address(), stale.range.size}});
    }
    std::erase_if(stale_, [](const Stale& stale) { return stale.cpus == 0; });
}

template <class G>
void SimulatedMachine<G>::isb()
{
    step(has_stale_to_move_on() ? Step::Kind::Global : Step::Kind::Local);
    ++counts.isbs;
    unsynchronized_[executing_].clear();
    std::erase_if(stale_, [this](const Stale& stale) {
        return stale.removal == Removal::Completed && stale.cpus == self();
    });
}

template <class G>
void SimulatedMachine<G>::hand_over(u32 from, u32 to)
{
    const auto share = [from, to](CpuMask& publishers) { publishers |= (publishers >> from & 1) << to; };
    for (auto& [slot, formers] : pending_) {
        for (Former& former : formers)
            share(former.publishers);
    }
    for (Stale& stale : stale_)
        share(stale.publishers);
}

template <class G>
template <class Match>
void SimulatedMachine<G>::invalidate(TlbScope scope, Match match)
{
    step(Step::Kind::Global);
    const CpuMask reached = scope == TlbScope::AllCpus ? all_cpus() : self();
    if (scope == TlbScope::AllCpus) {
        for (Outstanding& access : outstanding_)
            access.awaited_by |= self();
    }
    std::vector<Stale> others;
    for (Stale& stale : stale_) {
        // Walkers may fetch an entry again right after the TLBI while its removal is not visible to them.
        if (stale.removal == Removal::Stored || stale.removal == Removal::Completed ||
            (stale.cpus & reached) == 0 || !match(stale))
            continue;
        if ((stale.cpus & ~reached) != 0) {
            others.push_back(stale);
            others.back().cpus &= ~reached;
        }
        stale.cpus &= reached;
        stale.invalidators |= self();
        stale.removal = std::max(stale.removal, Removal::Invalidated);
        stale.by_broadcast = scope == TlbScope::AllCpus;
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
    step(Step::Kind::Global);
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
    // The table's own slots are no links any more.
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
    step(Step::Kind::Global);
    for (const Stale& stale : stale_) {
        if (stale.pte.kind(stale.level) == Kind::Leaf &&
            range.overlaps({stale.pte.address(), stale.range.size}))
            violate("memory was reused while a TLB may map it: " +
                    describe(stale.range.base, stale.pte, stale.level));
    }
    for (const Outstanding& access : outstanding_) {
        if (range.overlaps(access.memory))
            violate("memory was reused while a write through a removed entry may be under way");
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
    // An entry with the contiguous hint may be used for its whole run.
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
                " different results at " + describe(address, Pte{}, G::kRootLevel));
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
    if (!outstanding_.empty())
        violate("accesses through removed entries may be under way");
    for (const u64* slot : touched_runs_)
        check_run(slot, *memory_.page(memory_.page_of(slot)).level, true);
    touched_runs_.clear();
}

} // namespace percival::arch

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
        return is_covered(stale, Access::Any) ||
               (stale.removal == Removal::Invalidated && (stale.invalidators & self()) != 0) ||
               (stale.removal == Removal::Completed && stale.cpus == self());
    });
}

template <class G>
void SimulatedMachine<G>::dmb(Access access)
{
    step(Step::Kind::Local);
    if (access != Access::Load)
        order_new_tables();
}

// Orders what the executing CPU has written into new tables before the stores that link them.
template <class G>
void SimulatedMachine<G>::order_new_tables()
{
    for (SimulatedMemory::Page& page : memory_.pages()) {
        if (page.unpublished_by == executing_)
            page.unpublished_by.reset();
    }
}

template <class G>
void SimulatedMachine<G>::dsb(Shareability shareability, Access access)
{
    step(access == Access::Any || has_stale_to_move_on() ? Step::Kind::Global
         : access == Access::Store                       ? Step::Kind::Barrier
                                                         : Step::Kind::Wait);
    ++counts.dsbs;
    const bool reaches_all = shareability != Shareability::NonShareable || roots_.size() == 1;
    if (access != Access::Load)
        order_new_tables();
    if (reaches_all)
        publish(access);
    for (Late& late : unsynchronized_[executing_])
        late.is_waited =
            late.is_waited || access != Access::Store || late.witness.is_covered(self(), Access::Store);
    if (access == Access::Any)
        complete_tlbis(reaches_all);
}

// Makes visible to all walkers what a DSB of the executing CPU covers.
template <class G>
void SimulatedMachine<G>::publish(Access access)
{
    for (Stale& stale : stale_) {
        if (is_covered(stale, access))
            stale.removal = Removal::Visible;
    }
    const auto is_published = [&](const Former& former) { return former.witness.is_covered(self(), access); };
    for (const Former& former : pending_) {
        if (is_published(former))
            note_late(former);
    }
    pending_.erase_if(memory_, is_published);
}

// Notes a value that walkers do not see any more for the CPUs that may act on it until they catch up.
template <class G>
void SimulatedMachine<G>::note_late(const Former& former)
{
    // TLBs do not hold invalid entries, so only these are acted on without any trace in stale_.
    const Level level = memory_.page(memory_.page_of(former.slot)).level.value_or(G::kRootLevel);
    const bool was_invalid = kind_of(Pte{former.value}, level) == Kind::Invalid;
    for (u32 cpu = 0; cpu < roots_.size(); ++cpu) {
        const bool is_own = cpu == executing_;
        if ((is_own ? ets2_ : !was_invalid) || (former.hidden >> cpu & 1) != 0)
            continue;
        unsynchronized_[cpu].add(memory_, {former.slot, former.value, is_own, is_own, former.witness, self(),
                                           former.witness.flags});
    }
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
        if (const CpuMask others = stale.cpus & ~self();
            others != 0 && kind_of(stale.pte, stale.level) == Kind::Leaf) {
            for (u32 cpu = 0; cpu < roots_.size(); ++cpu) {
                if ((others >> cpu & 1) != 0)
                    lagging_[cpu].push_back({self(), stale.range, stale.pte});
            }
        }
        stale.cpus &= ets2_ ? 0 : self();
        if (completes_tlbi_early_ && stale.by_broadcast && kind_of(stale.pte, stale.level) == Kind::Leaf)
            outstanding_.push_back({{stale.pte.address(), stale.range.size}});
    }
    std::erase_if(stale_, [](const Stale& stale) { return stale.cpus == 0; });
    for (OldRoot& old : old_roots_[executing_]) {
        if (old.removal == Removal::Invalidated)
            old.removal = Removal::Completed;
    }
}

template <class G>
void SimulatedMachine<G>::isb()
{
    step(has_stale_to_move_on() ? Step::Kind::Global : Step::Kind::Isb);
    ++counts.isbs;
    catch_up(executing_, false);
}

// `cpu` makes an ISB, after a DSB that waits for loads if it `waits`.
template <class G>
void SimulatedMachine<G>::catch_up(u32 cpu, bool waits)
{
    const CpuMask bit = CpuMask{1} << cpu;
    unsynchronized_[cpu].erase_if(memory_, [waits](const Late& late) { return waits || late.is_waited; });
    std::erase_if(stale_, [bit](const Stale& stale) {
        return stale.removal == Removal::Completed && stale.cpus == bit;
    });
    lagging_[cpu].clear();
    for (OldRoot& old : old_roots_[cpu]) {
        if (old.removal == Removal::Stored)
            old.removal = Removal::Visible;
    }
    std::erase_if(old_roots_[cpu], [](const OldRoot& old) { return old.removal == Removal::Completed; });
}

template <class G>
void SimulatedMachine<G>::synchronize(u32 cpu)
{
    catch_up(cpu, true);
}

template <class G>
void SimulatedMachine<G>::release(const void* flag)
{
    const u32 bit = bit_of_flag(flag);
    order_new_tables();
    const auto note = [&](Witness& witness) {
        if (((witness.storers | witness.loaders) & self()) != 0)
            witness.flags |= bit;
    };
    const auto note_told = [&](auto& entry) { entry.flags |= (entry.told & self()) != 0 ? bit : 0; };
    for (Former& former : pending_)
        note(former.witness);
    for (SlotHistories<Late>& lates : unsynchronized_) {
        for (Late& late : lates) {
            note(late.witness);
            note_told(late);
        }
    }
    for (std::vector<Lagging>& of_cpu : lagging_)
        std::ranges::for_each(of_cpu, note_told);
}

template <class G>
void SimulatedMachine<G>::acquire(const void* flag, Taking taking)
{
    const u32 bit = bit_of_flag(flag);
    const auto take_noted = [&](Witness& witness) {
        if ((witness.flags & bit) != 0)
            take(witness, taking);
    };
    const auto take_told = [&](auto& entry) { entry.told |= (entry.flags & bit) != 0 ? self() : 0; };
    for (Former& former : pending_) {
        take_noted(former.witness);
        // FEAT_ETS2: an access after the acquire does not fault for want of a store before the release.
        if (ets2_ && (former.witness.flags & bit) != 0)
            former.hidden |= self();
    }
    for (SlotHistories<Late>& lates : unsynchronized_) {
        for (Late& late : lates) {
            take_noted(late.witness);
            take_told(late);
        }
    }
    if (ets2_)
        unsynchronized_[executing_].erase_if(memory_,
                                             [&](const Late& late) { return (late.flags & bit) != 0; });
    for (std::vector<Lagging>& of_cpu : lagging_)
        std::ranges::for_each(of_cpu, take_told);
    std::erase_if(lagging_[executing_],
                  [this](const Lagging& lagging) { return (lagging.told & self()) != 0; });
}

template <class G>
bool SimulatedMachine<G>::uses_root(u32 cpu, PhysAddr root) const
{
    return roots_[cpu] == root ||
           std::ranges::any_of(old_roots_[cpu], [root](const OldRoot& old) { return old.root == root; });
}

template <class G>
void SimulatedMachine<G>::write_root(PhysAddr root)
{
    step(Step::Kind::Global);
    memory_.page(root).level = G::kRootLevel;
    for (const OldRoot& old : old_roots_[executing_]) {
        if (old.removal != Removal::Completed)
            compare_roots(old.root, root, G::kRootLevel, G::kKernelBase);
    }
    compare_roots(roots_[executing_], root, G::kRootLevel, G::kKernelBase);
    old_roots_[executing_].push_back({roots_[executing_], Removal::Stored});
    roots_[executing_] = root;
}

// Checks that no TLB can hold an entry of either tree for an address that the other translates differently.
template <class G>
void SimulatedMachine<G>::compare_roots(PhysAddr old, PhysAddr now, Level level, VirtAddr at)
{
    for (u64 index = 0; old != now && index < G::entries(level); ++index) {
        const Pte a{memory_.pointer(old)[index]}, b{memory_.pointer(now)[index]};
        const VirtAddr base = at + G::entry_size(level) * index;
        if (kind_of(a, level) == Kind::Invalid || kind_of(b, level) == Kind::Invalid || a == b)
            continue;
        if (a.kind(level) == Kind::Table && b.kind(level) == Kind::Table)
            compare_roots(a.address(), b.address(), level.down(), base);
        else
            violate("a root was installed while a TLB may still hold another entry of the old one: " +
                    describe(base, a, level));
    }
}

template <class G>
void SimulatedMachine<G>::power_off(u32 cpu)
{
    step(Step::Kind::Global);
    const CpuMask bit = CpuMask{1} << cpu;
    off_ |= bit;
    for (Stale& stale : stale_) {
        if ((stale.cpus & bit) != 0)
            retained_[cpu].push_back(stale);
        stale.cpus &= ~bit;
    }
    std::erase_if(stale_, [](const Stale& stale) { return stale.cpus == 0; });
}

template <class G>
void SimulatedMachine<G>::power_on(u32 cpu, PhysAddr root)
{
    step(Step::Kind::Global);
    const CpuMask bit = CpuMask{1} << cpu;
    off_ &= ~bit;
    catch_up(cpu, true);
    for (Stale stale : std::exchange(retained_[cpu], {})) {
        stale.cpus = bit;
        stale.removal = Removal::Visible;
        stale.invalidators = 0; // no TLBI has reached it
        stale_.push_back(stale);
    }
    roots_[cpu] = root;
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
        const bool leaf = kind_of(stale.pte, stale.level) == Kind::Leaf;
        return stale.range.overlaps(range) && (leaf || entries == TlbEntries::LeavesAndTables);
    });
}

template <class G>
void SimulatedMachine<G>::tlbi_all(TlbScope scope)
{
    ++counts.tlbis;
    ++counts.full_tlbis;
    invalidate(scope, [](const Stale&) { return true; });
    for (u32 cpu = 0; cpu < roots_.size(); ++cpu) {
        for (OldRoot& old : old_roots_[cpu]) {
            if (old.removal == Removal::Visible && (scope == TlbScope::AllCpus || cpu == executing_))
                old.removal = Removal::Invalidated;
        }
    }
}

template <class G>
void SimulatedMachine<G>::free_page(PhysAddr table)
{
    step(Step::Kind::Global);
    SimulatedMemory::Page& page = memory_.page(table);
    if (!page.in_use)
        violate("a table was freed twice");
    for (const u64* slot : page.links) {
        for_each_value_of(slot, executing_, [&](u64 value) {
            const Pte entry{value};
            if (entry.kind(G::kRootLevel) == Kind::Table && entry.address() == table)
                violate("a table was freed while walkers may reach it");
        });
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
    if (kind_of(pte, level) == Kind::Leaf) {
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
        for_each_value_of(first + n, cpu, [&](u64 value) {
            const Pte other{value};
            if (other.kind(level) != Kind::Leaf || !other.is_contiguous())
                return;
            const VirtAddr run_base = address.align_down(G::entry_size(level) * run);
            const PhysAddr output = other.address() - G::entry_size(level) * n;
            add(out, {output + (address - run_base), other.attributes()});
        });
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
    for_each_value_of(slot, cpu, [&](u64 value) {
        const Pte pte{value};
        if (pte.kind(level) == Kind::Table && !level.is_last())
            walk(pte.address(), level.down(), address, cpu, out);
        else
            outcomes_of_leaf(slot, pte, level, address, cpu, out);
    });
}

template <class G>
void SimulatedMachine<G>::own_outcomes(u32 cpu, VirtAddr address, std::vector<Outcome>& out)
{
    walk(roots_[cpu], G::kRootLevel, address, cpu, out);
    for (const OldRoot& old : old_roots_[cpu]) {
        std::vector<Outcome> through_old;
        walk(old.root, G::kRootLevel, address, cpu, through_old);
        // From the old root's entries no fault comes: for an address without one the new root is walked.
        for (const Outcome& outcome : through_old) {
            if (outcome.address || old.removal == Removal::Stored)
                add(out, outcome);
        }
    }
    for (const Lagging& lagging : lagging_[cpu]) {
        if (lagging.range.contains(address))
            add(out, {lagging.pte.address() + (address - lagging.range.base), lagging.pte.attributes()});
    }
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
bool SimulatedMachine<G>::translates(VirtAddr address)
{
    walks_after_dsb_ = true;
    const std::vector<Outcome> all = outcomes(executing_, address);
    walks_after_dsb_ = false;
    return std::ranges::all_of(all, [](const Outcome& outcome) { return outcome.address.has_value(); });
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
    if (std::ranges::any_of(unsynchronized_[executing_], &Late::is_own))
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

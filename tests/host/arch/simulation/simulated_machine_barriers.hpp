// SPDX-License-Identifier: BSD-2-Clause
// The part of SimulatedMachine for barriers, and for what one CPU tells another. Included only by
// simulated_machine.hpp.
#pragma once

namespace percival::arch {

// Returns whether a barrier of the executing CPU changes what other CPUs may see of removed entries.
template <class G>
bool SimulatedMachine<G>::has_stale_to_move_on() const
{
    return std::ranges::any_of(stale_, [this](const Stale& stale) {
        return is_covered(stale, Access::Any) ||
               (stale.removal != Removal::Visible && (stale.invalidators & self()) != 0);
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
    const bool reaches_all = shareability != Shareability::NonShareable || roots_.size() == 1;
    step(!reaches_all                                      ? own_step()
         : access == Access::Any || has_stale_to_move_on() ? Step::Kind::Global
         : access == Access::Store                         ? Step::Kind::Barrier
                                                           : Step::Kind::Wait);
    ++counts.dsbs;
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
        const bool is_invalidated = stale.removal == Removal::Invalidated ||
                                    (stale.removal == Removal::Completed && (stale.cpus & self()) == 0);
        if (!is_invalidated || (stale.invalidators & self()) == 0 || (!reaches_all && stale.cpus != self()))
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

// Returns whether an ISB of the executing CPU ends its use of roots or entries that are gone, which others
// can tell.
template <class G>
bool SimulatedMachine<G>::has_own_to_forget() const
{
    return !old_roots_[executing_].empty() || std::ranges::any_of(stale_, [this](const Stale& stale) {
        return stale.removal == Removal::Completed && stale.cpus == self();
    });
}

template <class G>
void SimulatedMachine<G>::isb()
{
    step(has_own_to_forget() ? own_step() : Step::Kind::Isb);
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

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The part of SimulatedMachine for roots, CPUs that are off, TLBIs, and pages that change owners. Included
// only by simulated_machine.hpp.
#pragma once

namespace percival::arch {

template <class G>
bool SimulatedMachine<G>::uses_root(u32 cpu, PhysAddr root) const
{
    return roots_[cpu] == root ||
           std::ranges::any_of(old_roots_[cpu], [root](const OldRoot& old) { return old.root == root; });
}

template <class G>
void SimulatedMachine<G>::write_root(PhysAddr root)
{
    step(own_step());
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
    step(scope == TlbScope::AllCpus ? Step::Kind::Global : own_step());
    const CpuMask reached = scope == TlbScope::AllCpus ? all_cpus() : self();
    if (scope == TlbScope::AllCpus) {
        for (Outstanding& access : outstanding_)
            access.awaited_by |= self();
    }
    std::vector<Stale> others;
    for (Stale& stale : stale_) {
        // Walkers may fetch an entry again right after the TLBI while its removal is not visible to them.
        if (stale.removal == Removal::Stored || (stale.cpus & reached) == 0 || !match(stale))
            continue;
        if (stale.removal == Removal::Completed) {
            // Its CPU has invalidated it and only needs an ISB. A CPU that waits for a broadcast knows more:
            // that the accesses of that CPU are over.
            stale.invalidators |= scope == TlbScope::AllCpus ? self() : 0;
            continue;
        }
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

} // namespace percival::arch

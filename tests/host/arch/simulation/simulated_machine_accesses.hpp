// SPDX-License-Identifier: BSD-2-Clause
// The part of SimulatedMachine for accesses. Included only by simulated_machine.hpp.
#pragma once

namespace percival::arch {

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

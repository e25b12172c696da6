// SPDX-License-Identifier: BSD-2-Clause
// The page-table environment of CPUs that take turns. A test may leave out one of its required steps.
#pragma once

#include "support/interleaving.hpp"

#include <array>
#include <vector>

namespace percival::testing::interleaved {

// Each CPU has its own table pages, so that the order of allocations makes no difference.
template <Without Missing>
class TurnTakingTables : public SimulatedTables<G> {
public:
    TurnTakingTables(Explorer& explorer, Machine& machine, u32 cpus)
        : SimulatedTables<G>{machine}, explorer_{explorer}, machine_{machine}
    {
        for (u32 cpu = 0; cpu < cpus; ++cpu) {
            for (u32 n = 0; n < kPagesEach; ++n)
                own_[cpu].push_back(machine.allocate_page().value());
        }
    }

    std::optional<PhysAddr> allocate()
    {
        auto& pages = own_[explorer_.executing()];
        if (pages.empty())
            return std::nullopt;
        const PhysAddr page = pages.back();
        pages.pop_back();
        ++taken;
        arch::zero_table(machine_.pointer(page), kPage);
        if (Missing != Without::PublishedZeroes)
            SimulatedTables<G>::publish();
        return page;
    }
    void free(PhysAddr page)
    {
        own_[explorer_.executing()].push_back(page);
        --taken;
    }
    static SimulatedPte link(SimulatedPte* slot, SimulatedPte table)
    {
        if (Missing == Without::PublishedZeroes) // nor is the link a release
            return SimulatedPte{arch::simulation->link(reinterpret_cast<u64*>(slot), table.raw())};
        if (Missing != Without::CompareExchange)
            return SimulatedTables<G>::link(slot, table);
        SimulatedTables<G>::store(slot, table);
        return {};
    }
    static void publish()
    {
        if (Missing != Without::Publish)
            SimulatedTables<G>::publish();
    }

    u64 taken{0};

private:
    static constexpr u32 kPagesEach = 4;

    Explorer& explorer_;
    Machine& machine_;
    std::array<std::vector<PhysAddr>, 3> own_;
};

} // namespace percival::testing::interleaved

// SPDX-License-Identifier: BSD-2-Clause
// The base class of scenarios in which a few CPUs use and edit one root.
#pragma once

#include "support/turn_taking_tables.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>

namespace percival::testing::interleaved {

// A machine whose CPUs all use one root, with the engine on it. `Missing` is the step that is left out.
template <Without Missing, u32 Cpus>
struct World {
    using Env = TurnTakingTables<Missing>;
    using Engine = mm::PageTable<G, SimulatedPte, Env>;
    using Batch = mm::TlbBatch<G, Env>;

    explicit World(Explorer& e)
        : explorer{e}, machine{Cpus, 16}, env{e, machine, Cpus}, engine{make_root(), env}
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            machine.set_root(cpu, engine.root());
    }

    static u32 cpus() { return Cpus; }
    static VirtRange page(u64 n) { return {kRegion<G> + kPage * n, kPage}; }
    static PhysAddr memory(u64 n) { return kMemory + kPage * n; }

    bool map(u64 n, PhysAddr to) { return engine.map(page(n), to, mm::kData).has_value(); }

    // Checks that everything `cpu` may get at page `n` is among `allowed`.
    void read(u32 cpu, u64 n, std::initializer_list<std::optional<PhysAddr>> allowed)
    {
        explorer.access();
        for (const Outcome& outcome : machine.outcomes(cpu, page(n).base)) {
            if (std::ranges::find(allowed, outcome.address) == allowed.end())
                complaint = "a CPU may get a wrong translation";
        }
    }

    // Lets all CPUs catch up, as any interrupt lets them.
    void synchronize_all()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            machine.synchronize(cpu);
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            machine.expect_settled();
        }
        const auto violations = machine.take_violations();
        return !violations.empty() ? violations[0] : complaint;
    }
    void require(bool holds, const char* what)
    {
        if (!holds)
            complaint = what;
    }

    Explorer& explorer;
    Machine machine;
    Env env;
    Engine engine;
    std::string complaint;

private:
    PhysAddr make_root() { return *env.allocate(); }
};

} // namespace percival::testing::interleaved

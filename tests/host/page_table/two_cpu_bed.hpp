// SPDX-License-Identifier: BSD-2-Clause
// The base class of tests that edit tables by hand, without the engine, on a simulated machine.
#pragma once

#include "tests/host/support/simulated_tables.hpp"

namespace percival::testing {

// Two CPUs on one root, with one linked table of each level. CPU 0 takes the next steps.
template <class G>
struct TwoCpuBed : ::testing::Test {
    using Machine = SimulatedMachine<G>;
    using Pte = SimulatedPte;

    TwoCpuBed()
    {
        machine.set_root(0, root);
        machine.set_root(1, root);
        last = link_first_tables(machine, env, root);
    }

    static Pte page(PhysAddr to = kMemory, Attributes attributes = mm::kData)
    {
        return Pte::leaf(to, mm::kLastLevel, attributes);
    }
    Pte* slot(u64 n = 0) { return env.table(last) + n; }
    void store(Pte pte, u64 n = 0) { env.store(slot(n), pte); }
    // Puts an entry there that all CPUs know and may have in their TLBs.
    void begin_with(Pte pte, u64 n = 0)
    {
        store(pte, n);
        env.publish();
        machine.synchronize(1);
    }

    Machine machine{2, 16};
    SimulatedTables<G> env{machine};
    PhysAddr root = *env.allocate();
    PhysAddr last{};
};

} // namespace percival::testing

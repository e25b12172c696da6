// SPDX-License-Identifier: BSD-2-Clause
// A master root and one root for each CPU on a simulated machine, built as mm/roots/roots.cpp builds them:
// each CPU has copies of the master's tables on the way to the local window, and its own window.
#pragma once

#include "mm/address_space/layout.hpp"
#include "mm/roots/sync.hpp"
#include "support/simulated_tables.hpp"

#include <map>

namespace percival::testing {

template <class G>
class SimulatedRoots {
public:
    using Layout = mm::Layout<G>;
    using Pte = SimulatedPte;

    // The first `running` of the CPUs use their roots; the machine has no others.
    SimulatedRoots(SimulatedMachine<G>& machine, SimulatedTables<G>& env, u32 running, u32 cpus)
        : env_{env}, cpus_{cpus}
    {
        make_master();
        for (u32 cpu = 0; cpu < cpus; ++cpu)
            make_root(CpuId{cpu});
        for (u32 cpu = 0; cpu < running; ++cpu)
            machine.set_root(cpu, private_table(CpuId{cpu}, G::kRootLevel));
        // The machine must know the other roots as tables in use, even if no CPU walks from them.
        machine.add_root(master_table(G::kRootLevel));
        for (u32 cpu = running; cpu < cpus; ++cpu)
            machine.add_root(private_table(CpuId{cpu}, G::kRootLevel));
        env.publish();
    }

    u32 cpus() const { return cpus_; }
    PhysAddr master_table(Level level) const { return master_.at(level.number()); }
    PhysAddr private_table(CpuId cpu, Level level) const
    {
        return private_.at({cpu.index(), level.number()});
    }
    const Pte* table(PhysAddr address) { return env_.table(address); }
    void write(PhysAddr table, u64 index, Pte value)
    {
        ++writes;
        env_.store(env_.table(table) + index, value);
    }
    std::optional<PhysAddr> allocate() { return env_.allocate(); }
    void publish() { env_.publish(); }

    u64 writes{0}; // to sealed tables

    // Returns entry `n` of the window in a CPU's root. It maps memory of that CPU only.
    static Pte window_entry(CpuId cpu, u64 n)
    {
        const Bytes size = G::entry_size(Layout::kPrivateLevel);
        return Pte::leaf(PhysAddr{0x7'0000'0000'0000} + Layout::kSlabSize * cpu.index() + size * n,
                         Layout::kPrivateLevel, mm::kData);
    }
    static u64 window_index(Level level) { return G::index(level, Layout::kLocalPercpu.base); }

private:
    template <class F>
    static void for_each_level(F f)
    {
        for (Level level = G::kRootLevel; level <= Layout::kPrivateLevel; level = level.down())
            f(level);
    }

    void make_master()
    {
        for_each_level([this](Level level) {
            master_[level.number()] = *env_.allocate();
            if (level != G::kRootLevel)
                env_.store(env_.table(master_table(level.up())) + window_index(level.up()),
                           Pte::table(master_table(level)));
        });
    }

    void make_root(CpuId cpu)
    {
        for_each_level([&](Level level) {
            private_[{cpu.index(), level.number()}] = *env_.allocate();
            if (level != G::kRootLevel)
                env_.store(env_.table(private_table(cpu, level.up())) + window_index(level.up()),
                           Pte::table(private_table(cpu, level)));
        });
        constexpr Level kLevel = Layout::kPrivateLevel;
        for (u64 n = 0; n < Layout::kWindowEntries; ++n)
            env_.store(env_.table(private_table(cpu, kLevel)) + window_index(kLevel) + n,
                       window_entry(cpu, n));
    }

    SimulatedTables<G>& env_;
    u32 cpus_;
    std::map<int, PhysAddr> master_;
    std::map<std::pair<u32, int>, PhysAddr> private_;
};

} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// The page-table engine on a simulated machine: its environment, and what its tests share.
#pragma once

#include "arch/simulation/simulated_machine.hpp"
#include "mm/kernel_map/live_tables.hpp"
#include "mm/page_table/page_table.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace percival::testing {

using arch::Outcome;
using arch::SimulatedMachine;
using arch::SimulatedPte;
using mm::Attributes;
using mm::Leaves;
using mm::Level;
using mm::MapError;
using mm::Tables;

// Thrown where the kernel would panic.
struct ForbiddenChange : std::logic_error {
    using std::logic_error::logic_error;
};

template <class G>
class SimulatedTables : public mm::LiveTables<SimulatedPte> {
public:
    explicit SimulatedTables(SimulatedMachine<G>& machine) : machine_{machine} {}

    SimulatedPte* table(PhysAddr address)
    {
        return reinterpret_cast<SimulatedPte*>(machine_.pointer(address));
    }
    std::optional<PhysAddr> allocate()
    {
        const auto page = allocate_unfilled();
        if (page)
            zero(table(*page), G::kPageSize);
        return page;
    }
    // The page holds garbage.
    std::optional<PhysAddr> allocate_unfilled()
    {
        if (pages_left_ == 0)
            return std::nullopt;
        const auto page = machine_.allocate_page();
        if (page)
            --pages_left_;
        return page;
    }
    void free(PhysAddr page) { machine_.free_page(page); }
    bool resizes_live() const { return machine_.resizes_live(); }
    [[noreturn]] static void forbidden(SimulatedPte, SimulatedPte, Level)
    {
        throw ForbiddenChange{"a descriptor changed without break-before-make"};
    }

    // Lets the next `pages` allocations succeed and all later ones fail.
    void fail_after(u64 pages) { pages_left_ = pages; }
    void never_fail() { pages_left_ = ~u64{0}; }

private:
    SimulatedMachine<G>& machine_;
    u64 pages_left_{~u64{0}};
};

// Links one table of each level below `root`, for the first addresses, and returns the one of the last level.
// All walkers see them.
template <class G>
PhysAddr link_first_tables(SimulatedMachine<G>& machine, SimulatedTables<G>& env, PhysAddr root)
{
    PhysAddr above = root;
    for (Level level = G::kRootLevel; !level.is_last(); level = level.down()) {
        const PhysAddr below = *env.allocate();
        env.store(env.table(above), SimulatedPte::table(below));
        above = below;
    }
    env.publish();
    machine.synchronize(1);
    return above;
}

// Expects that `machine` has nothing left unfinished, and that no rule of the architecture was broken.
template <class G>
void expect_clean(SimulatedMachine<G>& machine)
{
    machine.expect_settled();
    for (const std::string& violation : machine.take_violations())
        ADD_FAILURE() << violation;
}

// A machine of two CPUs on one root, with the engine on it.
template <class G>
struct Bench {
    using Engine = mm::PageTable<G, SimulatedPte, SimulatedTables<G>>;
    using Batch = mm::TlbBatch<G, SimulatedTables<G>>;

    explicit Bench(Tables tables = Tables::Private, u64 pages = 64)
        : machine{2, pages}, env{machine}, root{*env.allocate()}, engine{root, env, tables}
    {
        machine.set_root(0, root);
        machine.set_root(1, root);
    }

    // unmap() and protect() as whole operations, with the flush.
    auto unmap(VirtRange range)
    {
        Batch batch{env};
        return engine.unmap(range, batch);
    }
    auto protect(VirtRange range, Attributes attributes)
    {
        Batch batch{env};
        return engine.protect(range, attributes, batch);
    }

    // Expects that on both CPUs `address` is certain to be mapped to `to` with `attributes`, or to be
    // unmapped.
    void expect(VirtAddr address, std::optional<PhysAddr> to, Attributes attributes = {})
    {
        for (u32 cpu = 0; cpu < 2; ++cpu) {
            if (cpu != machine.executing())
                machine.synchronize(cpu);
            const Outcome got = machine.access(cpu, address);
            EXPECT_EQ(got.address.has_value(), to.has_value());
            if (got.address && to) {
                EXPECT_EQ(got.address->raw(), to->raw());
                EXPECT_TRUE(got.attributes == attributes);
            }
        }
    }
    void expect_clean() { testing::expect_clean(machine); }

    SimulatedMachine<G> machine;
    SimulatedTables<G> env;
    PhysAddr root;
    Engine engine;
};

#ifdef __clang_analyzer__
// clang-tidy finds the same in a template for one geometry as for nine, in a third of the time.
using AllGeometries = ::testing::Types<mm::Geometry4k48>;
#else
using AllGeometries = ::testing::Types<mm::Geometry4k39, mm::Geometry4k48, mm::Geometry4k52,
                                       mm::Geometry16k47, mm::Geometry16k48, mm::Geometry16k52,
                                       mm::Geometry64k42, mm::Geometry64k48, mm::Geometry64k52>;
#endif

// Addresses and memory that are aligned for every leaf and run of every geometry.
template <class G>
inline constexpr VirtAddr kRegion = G::kKernelBase + Bytes{G::kKernelSize.count() / 4};
inline constexpr PhysAddr kMemory{0x3'0000'0000'0000};

} // namespace percival::testing

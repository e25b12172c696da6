// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a removal of memory from the linear map with CPUs that walk its tables, in
// hardware and in software, and with a CPU that adds memory elsewhere.
#include "tests/host/support/simulated_roots.hpp"
#include "tests/host/support/turn_taking_tables.hpp"

#include <optional>
#include <string>

namespace percival::testing::interleaved {
namespace {

// The tables of removed memory: each is freed when no software walker is left
// (mm/hot_memory/region_tables.hpp).
template <Without Missing>
class RemovalTables : public TurnTakingTables<Without::Nothing> {
public:
    RemovalTables(Explorer& e, Machine& machine, u32 cpus)
        : TurnTakingTables<Without::Nothing>{e, machine, cpus}, explorer_{e}, machine_{machine}
    {
    }
    void free(PhysAddr table)
    {
        if (Missing != Without::Readers) {
            explorer_.wait_until(&walkers, [this] { return walkers == 0; });
            machine_.acquire(&walkers, Machine::Taking::Exchange);
        }
        freed_under_walker = freed_under_walker || walkers != 0;
        machine_.free_page(table);
        ++freed;
    }
    void begin_walk()
    {
        explorer_.touch(&walkers);
        ++walkers;
    }
    void end_walk()
    {
        explorer_.touch(&walkers);
        machine_.release(&walkers);
        --walkers;
    }

    u32 walkers{0};
    u32 freed{0};
    bool freed_under_walker{false};

private:
    Explorer& explorer_;
    Machine& machine_;
};

enum class Beside { Walk, Sync, Map };

// CPU 0 removes `Removed` bytes, of which one page is mapped, and gives the memory away. CPU 1 walks to the
// page in software, or syncs the roots for memory at kAdded, or maps a page there, where the roots have their
// entry. Hardware walkers need no CPU of their own: the machine knows at every step what each may hold.
template <Without Missing, Beside Other, u64 Removed, u64 Distance>
struct Removal {
    using Roots = SimulatedRoots<G>;
    using Env = RemovalTables<Missing>;
    static constexpr u32 kCpus = 2;
    static constexpr VirtAddr kNew = G::kKernelBase;
    static constexpr VirtRange kRemoved{kNew, Bytes{Removed}};
    static constexpr VirtRange kPageThere{kNew, kPage};
    static constexpr VirtRange kAdded{kNew + Bytes{Distance}, kPage};
    static constexpr bool kFreesATable = Removed >= G::entry_size(Level{2}).count();

    explicit Removal(Explorer& e)
        : explorer{e}, machine{kCpus, 64}, env{machine}, tables{e, machine, kCpus},
          roots{machine, env, kCpus, kCpus}, sync{roots}, engine{roots.master_table(G::kRootLevel), tables}
    {
        require(sync.sync(kPageThere).has_value() && engine.map(kPageThere, kMemory, mm::kData).has_value(),
                "set-up failed");
        if (Other == Beside::Map)
            require(sync.sync(kAdded).has_value(), "set-up failed");
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.synchronize(cpu);
    }

    static u32 cpus() { return kCpus; }

    void run(u32 cpu)
    {
        stop_only_at_used_slots();
        if (cpu == 0)
            return remove();
        if (Other == Beside::Walk)
            walk();
        else if (Other == Beside::Sync)
            require(sync.sync(kAdded).has_value(), "sync failed");
        else
            map();
    }

    // A look for the last leaf of a table loads all of its slots. Nobody stores to a slot but the first two,
    // so the order of loads of the others makes no difference, and the explorer need not know of them.
    void stop_only_at_used_slots()
    {
        if (is_filtered)
            return;
        is_filtered = true;
        const VirtAddr first_table = address_of(machine.pointer(engine.root()));
        machine.on_step = [first_table, stop = machine.on_step](const arch::Step& step) {
            const u64 slot =
                (address_of(step.object) - first_table).count() / sizeof(u64) % G::entries(mm::kLastLevel);
            if (step.kind != arch::Step::Kind::Load || slot < 2)
                stop(step);
        };
    }

    void map()
    {
        require(engine.map(kAdded, kMemory + Bytes{Distance}, mm::kData).has_value(), "map failed");
    }

    void remove()
    {
        mm::TlbBatch<G, Env> batch{tables};
        if (Missing == Without::Extent) {
            engine.clear(kRemoved);
            batch.add_leaves(kPageThere, kPage);
            mm::TableReclaimer<G, SimulatedPte, Env>{tables, batch}.reclaim(engine.root(), kRemoved);
        } else {
            engine.clear_with_tables(kRemoved, batch);
        }
        if (Missing != Without::Flush)
            batch.flush();
        machine.reuse_memory({kMemory, kPage});
    }

    void walk()
    {
        tables.begin_walk();
        const auto found = engine.walk(kNew);
        require(found.kind() != mm::PteKind::Leaf || found.pte.address() == kMemory,
                "a walk ended elsewhere");
        tables.end_walk();
    }

    void read(u32 cpu, VirtAddr at, std::initializer_list<std::optional<PhysAddr>> allowed)
    {
        explorer.access();
        for (const Outcome& outcome : machine.outcomes(cpu, at))
            require(std::ranges::find(allowed, outcome.address) != allowed.end(), "a wrong translation");
    }
    void require(bool holds, const char* what)
    {
        if (!holds && complaint.empty())
            complaint = what;
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            machine.synchronize(cpu);
            read(cpu, kNew, {std::nullopt});
            if (Other == Beside::Map)
                read(cpu, kAdded.base, {kMemory + Bytes{Distance}});
            machine.execute_on(cpu);
            machine.expect_settled();
            for (u64 index = 0; index < 2; ++index)
                require(roots.table(roots.private_table(CpuId{cpu}, G::kRootLevel))[index] ==
                            roots.table(roots.master_table(G::kRootLevel))[index],
                        "roots differ");
        }
        require(!tables.freed_under_walker, "a table was freed beside a software walker");
        require(tables.freed == u32{kFreesATable}, "a wrong number of tables was freed");
        const auto violations = machine.take_violations();
        return !violations.empty() ? violations[0] : complaint;
    }

    Explorer& explorer;
    Machine machine;
    SimulatedTables<G> env;
    Env tables;
    Roots roots;
    mm::RootSync<G, SimulatedPte, Roots> sync;
    mm::PageTable<G, SimulatedPte, Env> engine;
    bool is_filtered{false};
    std::string complaint;
};

constexpr u64 kTableReach = G::entry_size(Level{2}).count();
constexpr u64 kRootEntry = G::entry_size(G::kRootLevel).count();
constexpr u64 kOnePageOnly = kPage.count();

TEST(InterleavingTest, MemoryIsRemovedBesideASoftwareWalker)
{
    expect_right<Removal<Without::Nothing, Beside::Walk, kTableReach, kRootEntry>>("removal beside a walker");
    expect_wrong<Removal<Without::Readers, Beside::Walk, kTableReach, kRootEntry>>(
        "a table is freed too early");
    expect_wrong<Removal<Without::Flush, Beside::Walk, kTableReach, kRootEntry>>(
        "memory is given away unflushed");
}

TEST(InterleavingTest, MemoryIsRemovedBesideALateSync)
{
    expect_right<Removal<Without::Nothing, Beside::Sync, kTableReach, kRootEntry>>("removal beside a sync");
}

TEST(InterleavingTest, MemoryIsRemovedBesideAMappingOfANeighbour)
{
    expect_right<Removal<Without::Nothing, Beside::Map, kTableReach, kTableReach>>("a neighbour's new table");
    expect_right<Removal<Without::Nothing, Beside::Map, kOnePageOnly, kOnePageOnly>>("a table in use");
    expect_wrong<Removal<Without::Extent, Beside::Map, kOnePageOnly, kOnePageOnly>>(
        "a table in use is freed");
}

} // namespace
} // namespace percival::testing::interleaved

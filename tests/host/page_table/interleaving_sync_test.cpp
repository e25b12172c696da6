// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of root synchronization with CPUs that use the roots.
#include "tests/host/support/simulated_roots.hpp"
#include "tests/host/support/turn_taking_tables.hpp"

#include <array>
#include <type_traits>

namespace percival::testing::interleaved {
namespace {

// A lock whose operations are steps of the explorer.
class TurnTakingLock {
public:
    void lock()
    {
        explorer->wait_until(this, [this] { return !held_; });
        machine->acquire(this, Machine::Taking::Exchange);
        held_ = true;
    }
    void unlock()
    {
        explorer->touch(this);
        machine->release(this);
        held_ = false;
    }
    static inline Machine* machine = nullptr;
    static inline Explorer* explorer = nullptr;

private:
    bool held_{false};
};
struct NoLock {
    void lock() {}
    void unlock() {}
};

// The environment that root synchronization needs. `Missing` leaves a part of it out.
template <Without Missing>
class TurnTakingRoots : public SimulatedRoots<G> {
public:
    TurnTakingRoots(Explorer& explorer, Machine& machine, SimulatedTables<G>& env, u32 running, u32 cpus)
        : SimulatedRoots<G>{machine, env, running, cpus}, explorer_{explorer}, env_{env}
    {
        for (auto& page : pages_)
            page = machine.allocate_page().value();
    }
    std::optional<PhysAddr> allocate()
    {
        const PhysAddr page = pages_[explorer_.executing()];
        env_.zero(env_.table(page), kPage);
        return page;
    }
    void publish()
    {
        if (Missing != Without::Publish)
            SimulatedRoots<G>::publish();
    }

private:
    Explorer& explorer_;
    SimulatedTables<G>& env_;
    std::array<PhysAddr, 3> pages_{};
};

// CPU 0 adds an entry to the roots, maps a page there, and sets a flag. CPU 1 accesses the page before and
// after the flag is set. A third CPU adds the same entry at the same time, for the neighbouring page. One
// more CPU is offline.
template <Without Missing, u32 Cpus>
struct LateSync {
    using Roots = TurnTakingRoots<Missing>;
    using Lock = std::conditional_t<Missing == Without::Lock, NoLock, TurnTakingLock>;
    static constexpr VirtAddr kNew = G::kKernelBase;

    explicit LateSync(Explorer& e)
        : explorer{e}, machine{Cpus, 32}, env{machine}, tables{e, machine, Cpus},
          roots{e, machine, env, Cpus, Cpus + 1}, sync{roots},
          engine{roots.master_table(G::kRootLevel), tables}
    {
        TurnTakingLock::explorer = &e;
        TurnTakingLock::machine = &machine;
    }

    static u32 cpus() { return Cpus; }
    static VirtRange page(u64 n) { return {kNew + kPage * n, kPage}; }

    void run(u32 cpu)
    {
        if (cpu == 1 && Missing == Without::Lock)
            return; // two CPUs are enough to go wrong, and a reader multiplies the schedules
        if (cpu == 1) {
            read(1, 0, true);
            explorer.wait_until(&mapped, [this] { return mapped; });
            machine.acquire(&mapped, Machine::Taking::Load);
            machine.synchronize(1); // the handler of a fault makes a DSB
            return read(1, 0);
        }
        const u64 n = cpu / 2;
        if (!sync.sync(page(n)) || !engine.map(page(n), kMemory + kPage * n, mm::kData))
            complaint = "sync or map failed";
        if (cpu == 0) {
            explorer.touch(&mapped);
            machine.release(&mapped);
            mapped = true;
        } else {
            read(cpu, n);
        }
    }

    void read(u32 cpu, u64 n, bool may_fault = false)
    {
        explorer.access();
        for (const Outcome& outcome : machine.outcomes(cpu, page(n).base)) {
            if (outcome.address != kMemory + kPage * n && (outcome.address || !may_fault))
                complaint = "a CPU may get a wrong translation";
        }
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.synchronize(cpu);
            read(cpu, 0);
            if (Cpus == 3)
                read(cpu, 1);
            machine.execute_on(cpu);
            machine.expect_settled();
        }
        for (u32 cpu = 0; cpu <= Cpus; ++cpu) {
            if (*roots.table(roots.private_table(CpuId{cpu}, G::kRootLevel)) !=
                *roots.table(roots.master_table(G::kRootLevel)))
                complaint = "roots differ";
        }
        const auto violations = machine.take_violations();
        return !violations.empty() ? violations[0] : complaint;
    }

    Explorer& explorer;
    Machine machine;
    SimulatedTables<G> env;
    TurnTakingTables<Without::Nothing> tables;
    Roots roots;
    mm::RootSync<G, SimulatedPte, Roots, Lock> sync;
    mm::PageTable<G, SimulatedPte, TurnTakingTables<Without::Nothing>> engine;
    bool mapped{false};
    std::string complaint;
};

TEST(InterleavingTest, RootsAreSynchronizedWhileCpusUseThem)
{
    expect_right<LateSync<Without::Nothing, 2>>("late sync, 2 CPUs");
    expect_right<LateSync<Without::Nothing, 3>>("late sync, 3 CPUs");
    expect_wrong<LateSync<Without::Lock, 3>>("two CPUs add the same entry without a lock");
}

} // namespace
} // namespace percival::testing::interleaved

// SPDX-License-Identifier: BSD-2-Clause
// The engine and root synchronization in all interleavings of 2 and 3 CPUs. Each scenario is accompanied by
// broken ones, a step left out or moved, which must be found: what is never found wrong shows nothing.
#include "support/explorer.hpp"
#include "support/simulated_roots.hpp"

#include <array>
#include <cstdio>
#include <set>

namespace percival::testing {
namespace {

using G = mm::Geometry4k39; // three levels: two tables on the way to a page
using Machine = SimulatedMachine<G>;
constexpr Bytes kPage = G::kPageSize;
constexpr VirtAddr kAt = kRegion<G>;

// What a broken scenario leaves out.
enum class Without {
    Nothing,
    CompareExchange, // in link()
    Publish,         // at the end of map()
    PublishedZeroes, // in a new table
    Flush,           // before memory is reused
    HandOver,        // of the list of what is to be flushed
    Lock,            // in sync()
};

// Tables of CPUs that take turns: each has table pages of its own, so that who is first to allocate makes no
// difference.
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
    void release(PhysAddr page)
    {
        own_[explorer_.executing()].push_back(page);
        --taken;
    }
    static SimulatedPte link(SimulatedPte* slot, SimulatedPte table)
    {
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

// Some CPUs on one root.
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
    static VirtRange page(u64 n) { return {kAt + kPage * n, kPage}; }
    static PhysAddr memory(u64 n) { return kMemory + kPage * n; }

    bool map(u64 n, PhysAddr to) { return engine.map(page(n), to, mm::kData).has_value(); }

    // What `cpu` may get at page `n` is among `allowed`.
    void read(u32 cpu, u64 n, std::initializer_list<std::optional<PhysAddr>> allowed)
    {
        explorer.access();
        for (const Outcome& outcome : machine.outcomes(cpu, page(n).base)) {
            if (std::ranges::find(allowed, outcome.address) == allowed.end())
                complaint = "a CPU may get something else than it should";
        }
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

template <class Scenario>
void expect_right(const char* name)
{
    const Explored explored = Explorer{}.explore<Scenario>();
    EXPECT_EQ(explored.failure, "");
    std::printf("%s: %llu schedules\n", name, static_cast<unsigned long long>(explored.schedules));
}
template <class Scenario>
void expect_wrong(const char* name)
{
    const Explored explored = Explorer{}.explore<Scenario>();
    EXPECT_NE(explored.failure, "") << name;
    EXPECT_NE(explored.failure, "too many schedules") << name;
    std::printf("%s: wrong in schedule %llu: %s\n", name, static_cast<unsigned long long>(explored.schedules),
                explored.failure.c_str());
}

// All map neighbouring pages under tables that are not there yet, and use them at once. With three CPUs one
// table is missing, with two all are.
template <Without Missing, u32 Cpus>
struct Neighbours : World<Missing, Cpus> {
    explicit Neighbours(Explorer& e) : World<Missing, Cpus>{e}
    {
        if (Cpus == 3)
            this->require(this->engine.ensure_tables(this->page(0), G::kRootLevel).has_value(), "no table");
    }

    void run(u32 cpu)
    {
        this->require(this->map(cpu, this->memory(cpu)), "map failed");
        this->read(cpu, cpu, {this->memory(cpu)});
    }
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            for (u32 n = 0; n < Cpus; ++n)
                this->read(cpu, n, {this->memory(n)});
        }
        this->require(this->env.taken == G::kLevels, "a table is lost");
        return World<Missing, Cpus>::verdict();
    }
};

TEST(InterleavingTest, NeighboursUnderMissingTables)
{
    expect_right<Neighbours<Without::Nothing, 2>>("2 CPUs map neighbours");
    expect_right<Neighbours<Without::Nothing, 3>>("3 CPUs map neighbours");
    expect_wrong<Neighbours<Without::CompareExchange, 2>>("a table is linked by a plain store");
    expect_wrong<Neighbours<Without::CompareExchange, 3>>("a table is linked by a plain store");
    expect_wrong<Neighbours<Without::Publish, 2>>("map() does not publish");
    expect_wrong<Neighbours<Without::PublishedZeroes, 2>>("a table is linked before its zeroes are visible");
}

// CPU 0 unmaps a page and frees its memory, while CPU 1 maps the page beside it; the third one reads both.
template <Without Missing, u32 Cpus>
struct MapBesideUnmap : World<Missing, Cpus> {
    explicit MapBesideUnmap(Explorer& e) : World<Missing, Cpus>{e}
    {
        this->require(this->map(0, this->memory(0)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            typename World<Missing, Cpus>::Batch batch{this->env};
            this->require(this->engine.unmap(this->page(0), batch).has_value(), "unmap failed");
            if (Missing != Without::Flush)
                batch.flush();
            this->machine.reuse_memory({this->memory(0), kPage});
        } else if (cpu == 1) {
            this->require(this->map(1, this->memory(1)), "map failed");
            this->read(1, 1, {this->memory(1)});
        } else {
            this->read(2, 0, {this->memory(0), std::nullopt});
            this->read(2, 1, {this->memory(1), std::nullopt});
        }
    }
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            this->read(cpu, 0, {std::nullopt});
            this->read(cpu, 1, {this->memory(1)});
        }
        return World<Missing, Cpus>::verdict();
    }
};

TEST(InterleavingTest, MapBesideUnmap)
{
    expect_right<MapBesideUnmap<Without::Nothing, 2>>("map beside unmap, 2 CPUs");
    expect_right<MapBesideUnmap<Without::Nothing, 3>>("map beside unmap, 3 CPUs");
    expect_wrong<MapBesideUnmap<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<MapBesideUnmap<Without::Publish, 2>>("map() does not publish");
}

// CPU 0 unmaps a page, frees it and maps another one at the same address, while the others read it. They may
// get the old page until it is freed, and the new one as soon as it is mapped.
template <Without Missing, u32 Cpus>
struct Reuse : World<Missing, Cpus> {
    explicit Reuse(Explorer& e) : World<Missing, Cpus>{e}
    {
        this->require(this->map(0, this->memory(0)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            replace();
        else
            look(cpu);
    }
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            this->read(cpu, 0, {this->memory(1)});
        return World<Missing, Cpus>::verdict();
    }

private:
    void replace()
    {
        {
            typename World<Missing, Cpus>::Batch batch{this->env};
            this->require(this->engine.unmap(this->page(0), batch).has_value(), "unmap failed");
            if (Missing != Without::Flush)
                batch.flush();
            this->explorer.touch(&freed);
            freed = true;
        }
        this->require(this->map(0, this->memory(1)), "map failed");
        this->explorer.touch(&mapped);
        mapped = true;
    }
    void look(u32 cpu)
    {
        this->explorer.touch(&mapped);
        const bool was_mapped = mapped;
        this->explorer.touch(&freed);
        const bool was_freed = freed;
        if (was_mapped)
            this->read(cpu, 0, {this->memory(1)});
        else if (was_freed)
            this->read(cpu, 0, {this->memory(1), std::nullopt});
        else
            this->read(cpu, 0, {this->memory(0), this->memory(1), std::nullopt});
    }

    bool freed{false};
    bool mapped{false};
};

TEST(InterleavingTest, MemoryIsReusedWhileOthersRead)
{
    expect_right<Reuse<Without::Nothing, 2>>("reuse, 2 CPUs");
    expect_right<Reuse<Without::Nothing, 3>>("reuse, 3 CPUs");
    expect_wrong<Reuse<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<Reuse<Without::Publish, 2>>("map() does not publish");
}

// All but the last CPU unmap a page each and leave its flush to the last one; of two CPUs the first goes on to
// map another page. The last one takes what there is to flush, and frees the memory after one flush for all of it.
template <Without Missing, u32 Cpus>
struct LazyFlush : World<Missing, Cpus> {
    explicit LazyFlush(Explorer& e) : World<Missing, Cpus>{e}
    {
        for (u32 n = 0; n < kLast; ++n)
            this->require(this->map(n, this->memory(n)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu != kLast)
            return unmap_and_go_on(cpu);
        for (u32 left = kLast; left != 0;)
            left -= purge();
    }
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            for (u32 n = 0; n < kLast; ++n) {
                this->read(cpu, n, {std::nullopt});
                if (kGoesOn)
                    this->read(cpu, Cpus + n, {this->memory(Cpus + n)});
            }
        }
        return World<Missing, Cpus>::verdict();
    }

private:
    static constexpr u32 kLast = Cpus - 1;
    static constexpr bool kGoesOn = Cpus == 2;

    void unmap_and_go_on(u32 cpu)
    {
        using Env = typename World<Missing, Cpus>::Env;
        const auto leaf = this->engine.walk(this->page(cpu).base);
        mm::DescriptorWriter<SimulatedPte, Env>{this->env}.clear_leaves(leaf.slot, 1);
        this->explorer.touch(&listed);
        listed.insert(cpu);
        if (Missing != Without::HandOver)
            this->machine.hand_over(cpu, kLast); // the list's lock, or its release and acquire
        if (kGoesOn) {
            this->require(this->map(Cpus + cpu, this->memory(Cpus + cpu)), "map failed");
            this->read(cpu, Cpus + cpu, {this->memory(Cpus + cpu)});
        }
    }

    // The number of pages.
    u32 purge()
    {
        this->explorer.wait_until(&listed, [this] { return !listed.empty(); });
        const std::set<u32> taken = std::exchange(listed, {});
        typename World<Missing, Cpus>::Batch batch{this->env};
        for (const u32 n : taken)
            batch.add_leaves(this->page(n), kPage);
        if (Missing != Without::Flush)
            batch.flush();
        for (const u32 n : taken)
            this->machine.reuse_memory({this->memory(n), kPage});
        return static_cast<u32>(taken.size());
    }

    std::set<u32> listed;
};

TEST(InterleavingTest, LazyFlush)
{
    expect_right<LazyFlush<Without::Nothing, 2>>("lazy flush, 2 CPUs");
    expect_right<LazyFlush<Without::Nothing, 3>>("lazy flush, 3 CPUs");
    expect_wrong<LazyFlush<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<LazyFlush<Without::HandOver, 2>>("the list is taken without a lock");
}

// A lock as the explorer sees it.
class TurnTakingLock {
public:
    void lock()
    {
        explorer->wait_until(this, [this] { return !held_; });
        held_ = true;
    }
    void unlock()
    {
        explorer->touch(this);
        held_ = false;
    }
    static inline Explorer* explorer = nullptr;

private:
    bool held_{false};
};
struct NoLock {
    void lock() {}
    void unlock() {}
};

// What root synchronization asks for, some of it left out.
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

// CPU 0 adds an entry, maps a page there and says so. CPU 1 walks there all the time, and reads as soon as it
// is told. The third one adds the same entry at the same time, for the page beside it. One more CPU is offline.
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
    }

    static u32 cpus() { return Cpus; }
    static VirtRange page(u64 n) { return {kNew + kPage * n, kPage}; }

    void run(u32 cpu)
    {
        if (cpu == 1) {
            explorer.touch(&mapped);
            read(1, 0, !mapped);
            explorer.wait_until(&mapped, [this] { return mapped; });
            return read(1, 0);
        }
        const u64 n = cpu / 2;
        if (!sync.sync(page(n)) || !engine.map(page(n), kMemory + kPage * n, mm::kData))
            complaint = "sync or map failed";
        if (cpu == 0) {
            explorer.touch(&mapped);
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
                complaint = "a CPU may get something else than it should";
        }
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
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

TEST(InterleavingTest, LateSync)
{
    expect_right<LateSync<Without::Nothing, 2>>("late sync, 2 CPUs");
    expect_right<LateSync<Without::Nothing, 3>>("late sync, 3 CPUs");
    expect_wrong<LateSync<Without::Lock, 3>>("two CPUs add the same entry without a lock");
}

} // namespace
} // namespace percival::testing

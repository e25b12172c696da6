// SPDX-License-Identifier: BSD-2-Clause
// Tests several CPUs that make the tables of neighbouring ranges at the same time: exactly one table each is
// linked, no CPU writes into the loser's table, and the loser's page is released.
#include "tests/host/support/simulated_tables.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

namespace percival::testing {
namespace {

// An environment that runs `meanwhile` in the middle of making a table: after the read of the slot and before
// the link.
template <class G>
class InterruptedTables : public SimulatedTables<G> {
public:
    using SimulatedTables<G>::SimulatedTables;

    std::optional<PhysAddr> allocate()
    {
        if (meanwhile)
            std::exchange(meanwhile, nullptr)();
        return SimulatedTables<G>::allocate();
    }

    std::function<void()> meanwhile;
};

template <class G>
class SharedTreeTest : public ::testing::Test {
protected:
    using Engine = mm::PageTable<G, SimulatedPte, InterruptedTables<G>>;
    static constexpr Bytes kPage = G::kPageSize;
    static constexpr VirtAddr kMine = kRegion<G>;
    static constexpr VirtAddr kNeighbour = kMine + kPage;
    // The number of tables below the root on one path.
    static constexpr u64 kPath = G::kLevels - 1;

    SharedTreeTest()
    {
        machine.set_root(0, engine.root());
        machine.set_root(1, engine.root());
    }
    void TearDown() override { expect_clean(machine); }

    // CPU 1 calls `what` when CPU 0 makes its next table.
    template <class F>
    void on_cpu_1_meanwhile(F what)
    {
        env.meanwhile = [this, what] {
            machine.execute_on(1);
            what();
            machine.execute_on(0);
        };
    }
    u64 tables() { return machine.pages_in_use() - 1; }

    SimulatedMachine<G> machine{2, 64};
    InterruptedTables<G> env{machine};
    Engine engine{*env.allocate(), env, Tables::Shared};
};
TYPED_TEST_SUITE(SharedTreeTest, AllGeometries);

TYPED_TEST(SharedTreeTest, TheLoserUsesTheWinnersTableAndReleasesItsOwnPage)
{
    this->on_cpu_1_meanwhile([this] {
        EXPECT_TRUE(this->engine.map({this->kNeighbour, this->kPage}, kMemory + this->kPage, mm::kData));
    });
    EXPECT_TRUE(this->engine.map({this->kMine, this->kPage}, kMemory, mm::kData));
    for (u32 cpu = 0; cpu < 2; ++cpu) {
        this->machine.synchronize(cpu);
        EXPECT_EQ(this->machine.access(cpu, this->kMine).address, kMemory);
        EXPECT_EQ(this->machine.access(cpu, this->kNeighbour).address, kMemory + this->kPage);
    }
    EXPECT_EQ(this->tables(), this->kPath);
}

TYPED_TEST(SharedTreeTest, AMapThatFailsAfterALostRaceKeepsTheWinnersPages)
{
    // The winner maps a page in the middle of the loser's range.
    this->on_cpu_1_meanwhile([this] {
        EXPECT_TRUE(this->engine.map({this->kNeighbour, this->kPage}, kMemory + this->kPage, mm::kData));
    });
    EXPECT_EQ(this->engine.map({this->kMine, this->kPage * 2}, kMemory, mm::kData).error(),
              MapError::AlreadyMapped);
    this->machine.synchronize(0);
    EXPECT_EQ(this->machine.access(0, this->kMine).address, std::nullopt);
    EXPECT_EQ(this->machine.access(0, this->kNeighbour).address, kMemory + this->kPage);
    EXPECT_EQ(this->tables(), this->kPath);
}

TYPED_TEST(SharedTreeTest, TablesMadeMeanwhileAreNotMadeAgain)
{
    const VirtRange range{this->kMine, this->kPage};
    this->on_cpu_1_meanwhile([&] { EXPECT_TRUE(this->engine.ensure_tables(range, mm::kLastLevel.up())); });
    EXPECT_TRUE(this->engine.ensure_tables(range, mm::kLastLevel.up()));
    EXPECT_EQ(this->tables(), this->kPath);
}

// Real threads on plain memory without a simulated machine: this tests the host's atomic operations.
using G = mm::Geometry4k48;

class ThreadedTables : public mm::LiveTables<SimulatedPte> {
public:
    SimulatedPte* table(PhysAddr address)
    {
        return reinterpret_cast<SimulatedPte*>(pages_[address.raw() / G::kPageSize.count()].data());
    }
    std::optional<PhysAddr> allocate()
    {
        const u64 index = taken.fetch_add(1);
        if (index >= pages_.size())
            return std::nullopt;
        const PhysAddr page{index * G::kPageSize.count()};
        zero(table(page), G::kPageSize);
        std::this_thread::yield(); // provoke a race here
        return page;
    }
    void free(PhysAddr page)
    {
        EXPECT_EQ(*table(page), SimulatedPte{}); // no thread wrote into the page
        returned.fetch_add(1);
    }

    std::atomic<u64> taken{0}, returned{0};

private:
    std::vector<std::array<u64, 512>> pages_ = std::vector<std::array<u64, 512>>(4096);
};

TEST(SharedTreeThreadsTest, ThreadsThatMapInterleavedPagesLoseNone)
{
    constexpr u64 kThreads = 4, kRounds = 50, kPagesEach = 8;
    ThreadedTables env;
    const PhysAddr root = *env.allocate();
    mm::PageTable<G, SimulatedPte, ThreadedTables> engine{root, env};
    // Each round needs new tables, and all threads map pages in each of them.
    const auto page_of = [](u64 round, u64 thread, u64 n) {
        return kRegion<G> + 1_GiB * round + G::kPageSize * (n * kThreads + thread);
    };
    std::barrier together{kThreads};
    std::vector<std::thread> threads;
    for (u64 thread = 0; thread < kThreads; ++thread)
        threads.emplace_back([&, thread] {
            for (u64 round = 0; round < kRounds; ++round) {
                together.arrive_and_wait();
                for (u64 n = 0; n < kPagesEach; ++n) {
                    const VirtAddr at = page_of(round, thread, n);
                    EXPECT_TRUE(
                        engine.map({at, G::kPageSize}, PhysAddr{at.raw() & 0xffff'ffff'f000}, mm::kData));
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    for (u64 round = 0; round < kRounds; ++round)
        for (u64 thread = 0; thread < kThreads; ++thread)
            for (u64 n = 0; n < kPagesEach; ++n) {
                const VirtAddr at = page_of(round, thread, n);
                EXPECT_EQ(engine.walk(at).pte.address(), PhysAddr{at.raw() & 0xffff'ffff'f000});
            }
    // The root, one table of the next level, and two tables for each round.
    EXPECT_EQ(env.taken - env.returned, 2 + 2 * kRounds);
}

} // namespace
} // namespace percival::testing

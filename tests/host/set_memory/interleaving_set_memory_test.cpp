// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of set_memory() and merges with CPUs that read the pages, or change neighbours.
#include "mm/set_memory/memory_editor.hpp"
#include "mm/set_memory/memory_merger.hpp"
#include "mm/set_memory/table_stock.hpp"
#include "tests/host/support/cpus_on_one_root.hpp"

#include <type_traits>

namespace percival::testing::interleaved {
namespace {

using enum mm::MemoryChange;
using mm::MemoryChange;
using mm::Protection;

constexpr Bytes kBlock = G::entry_size(Level{2});
constexpr Bytes kRun = kPage * G::contiguous_entries(mm::kLastLevel);

// A lock whose operations are steps of the explorer.
class TurnTakingLock {
public:
    TurnTakingLock(Explorer& explorer, Machine& machine) : explorer_{explorer}, machine_{machine} {}
    void lock()
    {
        explorer_.wait_until(this, [this] { return !held_; });
        machine_.acquire(this, Machine::Taking::Exchange);
        held_ = true;
    }
    void unlock()
    {
        explorer_.touch(this);
        machine_.release(this);
        held_ = false;
    }

private:
    Explorer& explorer_;
    Machine& machine_;
    bool held_{false};
};
struct NoLock {
    NoLock(Explorer&, Machine&) {}
    void lock() {}
    void unlock() {}
};

// CPUs on one root, where leaves change their size live, with `size` bytes of memory mapped. CPU 0 has a
// table set aside.
template <Without Missing, u32 Cpus>
struct Changes : World<Missing, Cpus> {
    using Base = World<Missing, Cpus>;
    using Stock = mm::TableStock<G, typename Base::Env>;
    using Tables = mm::StockedTables<G, SimulatedPte, typename Base::Env>;
    using Lock = std::conditional_t<Missing == Without::Lock, NoLock, TurnTakingLock>;

    Changes(Explorer& e, Bytes size) : Base{e}, lock{e, this->machine}
    {
        this->machine.set_resizes_live(true);
        this->require(this->engine.map({kRegion<G>, size}, kMemory, mm::kData).has_value(), "no map");
        this->require(stocks[0].fill(1), "no table");
        this->synchronize_all();
    }

    void change(u32 cpu, u64 n, MemoryChange what)
    {
        lock.lock();
        Tables tables{stocks[cpu]};
        mm::MemoryEditor<G, SimulatedPte, Tables> editor{this->engine.root(), tables, mm::Breaks::Never};
        this->require(editor.change(this->page(n), what).has_value(), "a change failed");
        lock.unlock();
    }
    void merge()
    {
        lock.lock();
        Tables tables{stocks[0]};
        const auto merged =
            mm::MemoryMerger<G, SimulatedPte, Tables>{this->engine.root(), tables}.merge(kRegion<G>);
        this->require(merged.blocks == 1, "the block was not merged");
        lock.unlock();
    }

    // Checks that everything `cpu` may get at page `n` is the page with one of these protections, or, where
    // `may_fault` says so, a fault.
    void read(u32 cpu, u64 n, std::initializer_list<Protection> allowed, bool may_fault = false)
    {
        this->explorer.access();
        for (const Outcome& got : this->machine.outcomes(cpu, this->page(n).base)) {
            if (!got.address)
                this->require(may_fault, "a CPU may get a fault");
            else if (*got.address != this->memory(n) ||
                     std::ranges::find(allowed, got.attributes.protection) == allowed.end())
                this->complaint = "a CPU may get a wrong translation";
        }
    }

    void tell()
    {
        this->explorer.touch(&told);
        this->machine.release(&told);
        told = true;
    }
    // Returns whether the other CPU's change is over.
    bool is_told()
    {
        this->explorer.touch(&told);
        this->machine.acquire(&told, Machine::Taking::Load);
        return told;
    }

    Lock lock;
    Stock stocks[2]{Stock{this->env}, Stock{this->env}};
    bool told{false};
};

constexpr auto kRo = Protection::ReadOnly;
constexpr auto kRw = Protection::ReadWrite;

// CPU 0 makes a page read-only and writable again and read-only for good. CPU 1 reads.
template <Without Missing, Leaves How>
struct ThereAndBack : Changes<Missing, 2> {
    explicit ThereAndBack(Explorer& e) : Changes<Missing, 2>{e, How == Leaves::Pages ? kPage * 2 : kBlock} {}

    void run(u32 cpu)
    {
        if (cpu == 0) {
            if (How == Leaves::Pages) {
                this->change(0, 0, ReadOnly);
                this->change(0, 0, ReadWrite);
            }
            this->change(0, 0, ReadOnly);
            this->tell();
        } else if (this->is_told()) {
            this->machine.synchronize(1);
            this->read(1, 0, {kRo});
        } else {
            this->read(1, 0, {kRo, kRw});
        }
    }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < 2; ++cpu) {
            this->read(cpu, 0, {kRo});
            this->read(cpu, 1, {kRw});
        }
        return World<Missing, 2>::verdict();
    }
};

TEST(InterleavingSetMemoryTest, AReaderMeetsTheOldOrTheNewProtectionAndOnlyTheNewOneAfterwards)
{
    expect_right<ThereAndBack<Without::Nothing, Leaves::Pages>>("a page ro, rw, ro beside a reader");
    expect_right<ThereAndBack<Without::Nothing, Leaves::Largest>>("a page in a block ro beside a reader");
}

// CPU 0 makes a page invalid, gives its memory away, and then makes the page valid again. CPU 1 reads.
template <Without Missing>
struct AwayAndBack : Changes<Missing, 2> {
    explicit AwayAndBack(Explorer& e) : Changes<Missing, 2>{e, kPage * 2} {}

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->change(0, 0, Invalid);
            this->machine.reuse_memory({this->memory(0), kPage}); // nobody reads it any more
            this->change(0, 0, Valid);
            this->tell();
        } else if (this->is_told()) {
            this->machine.synchronize(1); // the handler of a fault makes a DSB
            this->read(1, 0, {kRw});
        } else {
            this->read(1, 0, {kRw}, true);
        }
    }
    std::string verdict()
    {
        this->synchronize_all();
        this->read(1, 0, {kRw});
        return World<Missing, 2>::verdict();
    }
};

TEST(InterleavingSetMemoryTest, APageMadeInvalidIsReadByNobodyAfterTheReturn)
{
    expect_right<AwayAndBack<Without::Nothing>>("a page invalid and valid beside a reader");
    expect_wrong<AwayAndBack<Without::Publish>>("a page that is valid again is not published");
}

// Two CPUs change neighbours in one run.
template <Without Missing>
struct Neighbours : Changes<Missing, 2> {
    explicit Neighbours(Explorer& e) : Changes<Missing, 2>{e, kRun} {}

    void run(u32 cpu) { this->change(cpu, cpu, ReadOnly); }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < 2; ++cpu) {
            this->read(cpu, 0, {kRo});
            this->read(cpu, 1, {kRo});
            this->read(cpu, 2, {kRw});
        }
        return World<Missing, 2>::verdict();
    }
};

TEST(InterleavingSetMemoryTest, NeighboursInARunAreChangedUnderOneLock)
{
    expect_right<Neighbours<Without::Nothing>>("two CPUs change neighbours in a run");
    expect_wrong<Neighbours<Without::Lock>>("two CPUs change neighbours in a run without the lock");
}

// CPU 0 merges a block back. CPU 1 reads.
struct MergeBesideReader : Changes<Without::Nothing, 2> {
    explicit MergeBesideReader(Explorer& e) : Changes<Without::Nothing, 2>{e, kBlock}
    {
        this->change(0, 1, ReadOnly);
        this->change(0, 1, ReadWrite);
        this->synchronize_all();
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            this->merge();
        else
            this->read(1, 1, {kRw});
    }
    std::string verdict()
    {
        this->synchronize_all();
        this->read(1, 1, {kRw});
        this->require(this->stocks[0].size() == 1, "the table was not freed");
        return World<Without::Nothing, 2>::verdict();
    }
};

TEST(InterleavingSetMemoryTest, ABlockIsMergedBesideAReader)
{
    expect_right<MergeBesideReader>("a block is merged beside a reader");
}

} // namespace
} // namespace percival::testing::interleaved

// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of set_memory() and of merges with CPUs that read the pages or change others of
// the same block. The code is that of mm/set_memory, with the kernel's lock, its notes of what has changed,
// and the tables set aside.
//
// Broken variants leave out one thing that the code asks of the machine (explored/support/lossy_machine.hpp),
// or take the lock or the break away.
#include "mm/set_memory/set_memory.hpp"

#include "explored/support/explored_kernel.hpp"
#include "explored/support/lossy_machine.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/roots/root_entry.hpp"
#include "mm/roots/roots.hpp"
#include "mm/set_memory/linear_merge.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace percival {
namespace testing {
namespace {

using enum mm::MemoryChange;
using interleaved::expect_right;
using interleaved::expect_wrong;
using mm::MemoryChange;
using mm::Protection;

using G = mm::KernelGeometry;
constexpr Bytes kPage = G::kPageSize;
constexpr Bytes kBlock = G::entry_size(mm::kLastLevel.up());
constexpr VirtRange kLinear{mm::KernelLayout::kLinear.base, kBlock};

constexpr auto kRo = Protection::ReadOnly;
constexpr auto kRw = Protection::ReadWrite;
using Protections = std::vector<Protection>;
const Protections kOnlyRo{kRo}, kOnlyRw{kRw}, kEither{kRo, kRw};

// What a scenario has against it.
struct Flaw {
    Loss loss{Loss::Nothing};
    bool locks_exclude{true};
    bool never_breaks{false};
};

// CPUs on one root, where one block of the linear map is mapped.
template <u32 Cpus, Flaw F>
class World : public ExploredKernel {
public:
    explicit World(Explorer& e) : ExploredKernel{e, Cpus, 16}
    {
        locks_exclude = F.locks_exclude;
        mm::linear_map = {kLinear.base, kMemory};
        mm::merge_linear_map(); // forgets what the scenario before has noted
        machine.set_resizes_live(!F.never_breaks);
        never_breaks = F.never_breaks;
        map(kLinear, kMemory);
        synchronize_all();
        pages_before = machine.pages_in_use();
    }

    static u32 cpus() { return Cpus; }

    static VirtRange page(u64 n) { return {kLinear.base + kPage * n, kPage}; }
    void change(VirtRange range, MemoryChange what)
    {
        require(mm::set_memory(range, what).has_value(), "a change failed");
    }
    // Page `n` becomes read-only and writable again, which leaves a table in the place of the block.
    void there_and_back(u64 n)
    {
        change(page(n), ReadOnly);
        change(page(n), ReadWrite);
    }

    // All that the executing CPU may get at page `n` is the page with one of these protections, or, if it
    // `may_fault`, a fault.
    void look(VirtRange at, PhysAddr memory, const Protections& allowed, bool may_fault = false)
    {
        explorer.access();
        for (const Outcome& got : machine.outcomes(machine.executing(), at.base)) {
            if (!got.address)
                require(may_fault, "a CPU may get a fault");
            else
                require(*got.address == memory &&
                            std::ranges::find(allowed, got.attributes.protection) != allowed.end(),
                        "a CPU may get a wrong translation");
        }
    }
    void look(u64 n, const Protections& allowed, bool may_fault = false)
    {
        look(page(n), kMemory + kPage * n, allowed, may_fault);
    }

    // A CPU says that its change is over, and another one asks.
    void tell()
    {
        explored->store(&told_, std::memory_order_release);
        told_ = true;
    }
    bool is_told()
    {
        explored->load(&told_, std::memory_order_acquire);
        return told_;
    }

    // Ends what is lost, and expects that nothing is unfinished on any CPU.
    void end()
    {
        lossy_.reset();
        synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            machine.expect_settled();
        }
        machine.execute_on(0);
    }
    void expect_everywhere(u64 n, Protection protection)
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            machine.execute_on(cpu);
            look(n, {protection});
        }
        machine.execute_on(0);
    }
    // After all CPUs are done, one merge makes a block of what agrees again, and frees the table.
    void expect_block_after_merge()
    {
        mm::merge_linear_map();
        end();
        require(machine.pages_in_use() == pages_before, "the block was not merged, or its table is left");
    }

    void map(VirtRange range, PhysAddr memory)
    {
        require(mm::master_table().map(range, memory, mm::kData).has_value(), "map failed");
    }
    void synchronize_all()
    {
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            machine.synchronize(cpu);
    }
    // From now on the scenario has its flaw.
    void begin() { lossy_.emplace(F.loss); }
    // CPU 0 alone changes anything.
    void begin_with_one_editor()
    {
        machine.set_only_editor(0);
        begin();
    }

    u64 pages_before{0};

private:
    bool told_{false};
    std::optional<LossyMachine> lossy_{};
};

constexpr Flaw kNone{};
constexpr Flaw kNoLock{.locks_exclude = false};
constexpr Flaw kNoBreak{.never_breaks = true};
constexpr Flaw without(Loss loss)
{
    return {.loss = loss};
}

// CPU 0 makes a page of a block read-only. CPU 1 reads it, and the last CPU its neighbour.
template <u32 Cpus, Flaw F = kNone>
struct SplitBesideReaders : World<Cpus, F> {
    explicit SplitBesideReaders(Explorer& e) : World<Cpus, F>{e} { this->begin_with_one_editor(); }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->change(this->page(1), ReadOnly);
            return this->tell();
        }
        if (cpu == 1) {
            const bool is_over = this->is_told();
            if (is_over)
                this->machine.synchronize(1);
            this->look(1, is_over ? kOnlyRo : kEither);
        }
        if (cpu == Cpus - 1)
            this->look(0, kOnlyRw);
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(0, kRw);
        this->expect_everywhere(1, kRo);
        this->require(this->machine.pages_in_use() == this->pages_before + 1, "one split takes one table");
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, ABlockIsSplitBesideReaders)
{
    expect_right<SplitBesideReaders<2>>("a block is split beside a reader");
    expect_right<SplitBesideReaders<3>>("a block is split beside two readers");
    expect_wrong<SplitBesideReaders<2, without(Loss::Tlbis)>>("no TLBI after a split");
    expect_wrong<SplitBesideReaders<2, without(Loss::OtherCpusTlbis)>>("a TLBI for the own CPU only");
    expect_wrong<SplitBesideReaders<2, without(Loss::DsbsBefore)>>("no DSB before the TLBI");
    expect_wrong<SplitBesideReaders<2, without(Loss::DsbsAfter)>>("no DSB after the TLBI");
    expect_wrong<SplitBesideReaders<2, kNoBreak>>("a split without a break where a CPU does not tolerate it");
}

// CPU 1 is off and comes. At one moment of many CPU 0 makes a page of a block read-only.
struct SplitBesideComingCpu : World<2, kNone> {
    // After how many steps of CPU 1 that is, of which the first one turns it on, and an instruction that it
    // leaves out. The explorer makes the objects.
    static inline std::size_t changed_after = 0;
    static inline std::string left_out;

    explicit SplitBesideComingCpu(Explorer& e) : World<2, kNone>{e}
    {
        machine.add_root(reserved);
        machine.power_off(1);
        begin_with_one_editor();
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            explorer.wait_until(&turn_, [this] { return turn_ == 0; });
            change(page(1), ReadOnly);
            explorer.touch(&turn_);
            turn_ = 1;
            return;
        }
        if (changed_after == 0)
            let_cpu_0_change();
        machine.power_on(1, reserved);
        TrampolineProgram<Machine> program{machine, reserved, {{"x1", root}}};
        std::size_t steps = 0;
        for (const std::string& instruction : instructions_of_a_cpu_that_comes_on()) {
            if (++steps == changed_after)
                let_cpu_0_change();
            if (instruction != left_out)
                program.execute(instruction);
        }
        machine.synchronize(1);
        look(1, kOnlyRo);
    }
    std::string verdict()
    {
        end();
        expect_everywhere(0, kRw);
        expect_everywhere(1, kRo);
        return ExploredKernel::verdict();
    }

private:
    void let_cpu_0_change()
    {
        explorer.touch(&turn_);
        turn_ = 0;
        explorer.wait_until(&turn_, [this] { return turn_ == 1; });
    }

    const PhysAddr reserved{*allocate_table()};
    u32 turn_{1}; // the CPU that goes on
};

TEST(ExploredSetMemoryTest, ABlockIsSplitAtEachMomentOfACpuThatComes)
{
    using Scenario = SplitBesideComingCpu;
    Scenario::left_out = "";
    const std::size_t all = instructions_of_a_cpu_that_comes_on().size();
    for (Scenario::changed_after = 0; Scenario::changed_after <= all; ++Scenario::changed_after)
        expect_right<Scenario>("a block is split while a CPU comes");
    Scenario::changed_after = 0;
    Scenario::left_out = "tlbi vmalle1";
    expect_wrong<Scenario>("a CPU that comes keeps its TLB");
}

// CPU 0 merges a block of which a page was changed there and back. CPU 1 reads it, and the last CPU its
// neighbour.
template <u32 Cpus, Flaw F = kNone>
struct MergeBesideReaders : World<Cpus, F> {
    explicit MergeBesideReaders(Explorer& e) : World<Cpus, F>{e}
    {
        this->there_and_back(1);
        this->synchronize_all();
        this->begin_with_one_editor();
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            return mm::merge_linear_map();
        if (cpu == 1)
            this->look(1, kOnlyRw);
        if (cpu == Cpus - 1)
            this->look(0, kOnlyRw);
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(0, kRw);
        this->expect_everywhere(1, kRw);
        this->require(this->machine.pages_in_use() == this->pages_before, "the table was not freed");
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, ABlockIsMergedBesideReaders)
{
    expect_right<MergeBesideReaders<2>>("a block is merged beside a reader");
    expect_right<MergeBesideReaders<3>>("a block is merged beside two readers");
    expect_wrong<MergeBesideReaders<2, without(Loss::Tlbis)>>("a table is freed without a TLBI");
    expect_wrong<MergeBesideReaders<2, without(Loss::OtherCpusTlbis)>>("a merge for the own CPU only");
    expect_wrong<MergeBesideReaders<2, without(Loss::DsbsBefore)>>("no DSB before the TLBIs of a merge");
    expect_wrong<MergeBesideReaders<2, without(Loss::DsbsAfter)>>("no DSB after the TLBIs of a merge");
}

// CPU 0 does all of it: split, change, change back, merge.
template <Flaw F = kNone>
struct WholeLifeBesideReader : World<2, F> {
    explicit WholeLifeBesideReader(Explorer& e) : World<2, F>{e} { this->begin_with_one_editor(); }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->there_and_back(1);
            mm::merge_linear_map();
            return;
        }
        this->look(1, kEither);
        this->look(0, kOnlyRw);
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(0, kRw);
        this->expect_everywhere(1, kRw);
        this->require(this->machine.pages_in_use() == this->pages_before, "the table was not freed");
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, ABlockIsSplitAndMergedBackBesideAReader)
{
    expect_right<WholeLifeBesideReader<>>("a block is split and merged beside a reader");
    expect_wrong<WholeLifeBesideReader<without(Loss::Tlbis)>>("nothing is flushed");
}

// CPUs 0 and 1 change pages of one block, which is split once.
struct TwoChange : World<2, kNone> {
    explicit TwoChange(Explorer& e) : World<2, kNone>{e} { begin(); }

    void run(u32 cpu) { change(page(cpu), ReadOnly); }
    std::string verdict()
    {
        end();
        expect_everywhere(0, kRo);
        expect_everywhere(1, kRo);
        expect_everywhere(2, kRw);
        require(machine.pages_in_use() == pages_before + 1, "a block was split twice");
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, TwoCpusThatChangePagesOfOneBlockSplitItOnce)
{
    expect_right<TwoChange>("two CPUs change pages of one block");
}

// CPU 0 merges what was changed there and back while CPU 1 changes another page of the block.
template <MemoryChange Last, Flaw F = kNone>
struct MergeBesideChange : World<2, F> {
    explicit MergeBesideChange(Explorer& e) : World<2, F>{e}
    {
        this->there_and_back(1);
        this->synchronize_all();
        this->begin();
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            return mm::merge_linear_map();
        this->change(this->page(2), ReadOnly);
        if (Last != ReadOnly)
            this->change(this->page(2), Last);
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(1, kRw);
        this->expect_everywhere(2, Last == ReadOnly ? kRo : kRw);
        if (Last == ReadWrite)
            this->expect_block_after_merge();
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, AMergeBesideAChangeLosesNothing)
{
    expect_right<MergeBesideChange<ReadOnly>>("a merge beside a change");
    expect_right<MergeBesideChange<ReadWrite>>("a merge beside a change there and back");
    expect_wrong<MergeBesideChange<ReadOnly, kNoLock>>("a merge beside a change without the lock");
}

// CPU 0 makes a page invalid, gives its memory away, takes it back and makes the page valid. CPU 1 reads.
template <Flaw F = kNone>
struct AwayAndBack : World<2, F> {
    explicit AwayAndBack(Explorer& e) : World<2, F>{e} { this->begin_with_one_editor(); }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            this->change(this->page(1), Invalid);
            this->machine.reuse_memory({kMemory + kPage, kPage});
            this->change(this->page(1), Valid);
            this->tell();
        } else if (this->is_told()) {
            this->machine.synchronize(1); // the handler of a fault makes a DSB
            this->look(1, kOnlyRw);
        } else {
            this->look(1, kOnlyRw, true);
            this->look(0, kOnlyRw);
        }
    }
    std::string verdict()
    {
        this->end();
        this->expect_everywhere(1, kRw);
        this->expect_block_after_merge();
        return ExploredKernel::verdict();
    }
};

TEST(ExploredSetMemoryTest, APageMadeInvalidIsReadByNobodyAfterTheReturn)
{
    expect_right<AwayAndBack<>>("a page of a block is away and comes back");
    expect_wrong<AwayAndBack<without(Loss::Tlbis)>>("memory is given away without a TLBI");
    expect_wrong<AwayAndBack<without(Loss::DsbsAfter)>>("memory is given away before the TLBI is complete");
    expect_wrong<AwayAndBack<without(Loss::Publications)>>("a page that is valid again is not published");
}

} // namespace
} // namespace testing

constinit mm::Leaves mm::linear_leaves = mm::Leaves::Largest;

VirtRange mm::linear_region()
{
    return testing::kLinear;
}

// All roots are the master, and none holds blocks.
PhysRange mm::private_tables()
{
    return {};
}

void mm::write_root_entry(u64, arch::Pte)
{
    throw std::logic_error{"an entry of a root changes"};
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of set_memory(), which splits a block, with CPUs that read its pages, change
// others, or come.
#include "explored/set_memory/set_memory_bed.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

#include <string>

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

// CPU 0 makes a page of a block read-only. CPU 1 reads it, and the last CPU its neighbour.
template <u32 Cpus, Flaw F = kNone>
struct SplitBesideReaders : SetMemoryBed<Cpus, F> {
    explicit SplitBesideReaders(Explorer& e) : SetMemoryBed<Cpus, F>{e} { this->begin_with_one_editor(); }

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

// CPU 1 is off and comes. Meanwhile CPU 0 makes a page of a block read-only, all at once.
struct SplitBesideComingCpu : SetMemoryBed<2, kNone> {
    // After how many steps of CPU 1 that happens, of which the first one turns CPU 1 on; and an instruction
    // that CPU 1 leaves out. Both are static, because the explorer makes the objects.
    static inline std::size_t changed_after = 0;
    static inline std::string left_out;

    explicit SplitBesideComingCpu(Explorer& e) : SetMemoryBed<2, kNone>{e}
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

// CPUs 0 and 1 change pages of one block, which is split once.
struct TwoChange : SetMemoryBed<2, kNone> {
    explicit TwoChange(Explorer& e) : SetMemoryBed<2, kNone>{e} { begin(); }

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

} // namespace
} // namespace percival::testing

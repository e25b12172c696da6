// SPDX-License-Identifier: BSD-2-Clause
// Carries out the instructions of the idmap trampoline, as they stand in its source, on the simulated
// machine, and leaves each of them out in turn.
#include "support/simulated_tables.hpp"
#include "support/trampoline_program.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace percival::testing {
namespace {

using G = mm::Geometry4k39;

constexpr Bytes kPage = G::kPageSize;
constexpr VirtRange kRange{G::kKernelBase, kPage};
constexpr PhysAddr kOld = kMemory;
constexpr PhysAddr kNew = kMemory + kPage;

// Two roots that map the same address to different memory, and the reserved root. CPU 0 runs on the first
// one.
struct Roots {
    Roots()
    {
        machine.add_root(reserved);
        machine.add_root(next);
        machine.set_root(0, first);
        machine.set_root(1, first);
        map(first, kOld);
        map(next, kNew);
        machine.synchronize(1);
    }
    Roots(const Roots&) = delete;
    Roots& operator=(const Roots&) = delete;

    void map(PhysAddr root, PhysAddr to)
    {
        mm::PageTable<G, SimulatedPte, SimulatedTables<G>> engine{root, env};
        EXPECT_TRUE(engine.map(kRange, to, mm::kData));
    }
    // Returns whether `cpu` is certain to get `to`, or a fault if `to` is nothing, and no rule was broken.
    bool gets_only(u32 cpu, std::optional<PhysAddr> to)
    {
        const auto got = machine.outcomes(cpu, kRange.base);
        return machine.take_violations().empty() && got.size() == 1 && got[0].address == to;
    }

    SimulatedMachine<G> machine{2, 16};
    SimulatedTables<G> env{machine};
    PhysAddr first = *env.allocate();
    PhysAddr reserved = *env.allocate();
    PhysAddr next = *env.allocate();
};

using Program = TrampolineProgram<SimulatedMachine<G>>;

// Returns whether CPU 0 gets from the first root to the next one, and nothing of the first is left.
bool reaches_the_next_root(const Instructions& instructions)
{
    Roots roots;
    Program program{roots.machine, roots.first, {{"x0", roots.next}, {"x1", roots.reserved}}};
    for (const std::string& instruction : instructions)
        program.execute(instruction);
    return roots.gets_only(0, kNew);
}

TEST(TrampolineTest, TheTrampolineReachesTheNewRootAndNothingOfTheOldOneIsLeft)
{
    EXPECT_TRUE(reaches_the_next_root(instructions_of(trampoline_source, "replace_ttbr1")));
}

TEST(TrampolineTest, EachStepOfTheTrampolineIsNecessary)
{
    const Instructions all = instructions_of(trampoline_source, "replace_ttbr1");
    const auto tlbi = static_cast<std::size_t>(std::ranges::find(all, "tlbi vmalle1") - all.begin());
    ASSERT_GE(tlbi, 2u);
    ASSERT_GT(all.size(), tlbi + 4);
    EXPECT_FALSE(reaches_the_next_root(without(all, tlbi - 2))) << "without the reserved root";
    EXPECT_FALSE(reaches_the_next_root(without(all, tlbi - 1))) << "without the ISB before the TLBI";
    EXPECT_FALSE(reaches_the_next_root(without(all, tlbi))) << "without the TLBI";
    EXPECT_FALSE(reaches_the_next_root(without(all, tlbi + 1))) << "without the DSB";
    EXPECT_FALSE(reaches_the_next_root(without(all, tlbi + 4))) << "without the last ISB";
}

// CPU 1 was off while CPU 0 mapped its address to other memory, and comes back with its MMU off and the
// entries that it had. Returns whether its TLB holds nothing from when the MMU comes on until the CPU is on
// its root, and only that root's entry then.
bool comes_back_clean(const Instructions& instructions)
{
    Roots roots;
    roots.machine.power_off(1);
    mm::PageTable<G, SimulatedPte, SimulatedTables<G>> engine{roots.first, roots.env};
    {
        mm::TlbBatch<G, SimulatedTables<G>> batch{roots.env};
        EXPECT_TRUE(engine.unmap(kRange, batch));
    }
    roots.machine.reuse_memory({kOld, kPage});
    roots.map(roots.first, kNew);
    roots.machine.power_on(1, roots.reserved);
    roots.machine.execute_on(1);
    Program program{roots.machine, roots.reserved, {{"x1", roots.first}}};
    program.mmu_is_on = false;
    bool is_clean = true;
    for (const std::string& instruction : instructions) {
        const bool is_over = instruction == "msr ttbr1_el1, x0";
        is_clean = is_clean && (!program.mmu_is_on || is_over || roots.gets_only(1, std::nullopt));
        program.execute(instruction);
        if (is_over)
            break;
    }
    arch::isb();
    return is_clean && roots.gets_only(1, kNew);
}

TEST(TrampolineTest, ACpuThatComesBackUsesNoEntryFromBeforeItWentOff)
{
    EXPECT_TRUE(comes_back_clean(instructions_of_a_cpu_that_comes_on()));
}

TEST(TrampolineTest, EachStepBeforeTheMmuComesOnIsNecessary)
{
    const Instructions all = instructions_of_a_cpu_that_comes_on();
    const auto mmu_on = std::ranges::find(all, "msr sctlr_el1, x0") - all.begin();
    const std::span before{all.data(), static_cast<std::size_t>(mmu_on)};
    ASSERT_LT(before.size(), all.size());
    EXPECT_EQ(std::ranges::count(before, "tlbi vmalle1"), 1);
    for (std::size_t n = 0; n < before.size(); ++n) {
        if (all[n] != "ic iallu") // text_test.cpp of tests/host/explored has the caches
            EXPECT_FALSE(comes_back_clean(without(all, n))) << "without " << all[n];
    }
}

} // namespace
} // namespace percival::testing

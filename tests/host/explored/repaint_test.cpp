// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that repaints leaves with pages, and of a CPU that uses these leaves
// and does not tolerate that they change their size. The code is that of kernel/wait, of mm/page_table, and
// of the idmap: the instructions of wait_off_root as they stand in arch/arm64/mmu/trampoline.S.
#include "arch/mmu/off_root.hpp"
#include "kernel/wait/others_off_roots.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/page_table/page_painter.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

#include <array>
#include <atomic>
#include <vector>

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

constexpr u32 kCpus = 2;

// What the idmap's page of data has.
struct Hold {
    std::array<std::atomic<bool>, kCpus> is_off_root;
    std::atomic<bool> is_over;
};

struct World;
World* world = nullptr;

using G = mm::KernelGeometry;
constexpr Bytes kBlock = G::entry_size(mm::kLastLevel.up());
constexpr VirtRange kLeaves{kRegion<G>, kBlock};
constexpr VirtAddr kProbe = kRegion<G> + G::kPageSize;

// The kernel's tables where only CPU 0 walks them.
struct Alone : mm::KernelTables {
    static bool resizes_live() { return true; }
};

struct World : ExploredKernel {
    explicit World(Explorer& e) : ExploredKernel{e, kCpus, 16}
    {
        world = this;
        machine.add_root(reserved);
        machine.set_resizes_live_only_on(0);
        arch::on_relax = [this] { wait_for_change(); };
        require(mm::master_table().map(kLeaves, kMemory, mm::kData).has_value(), "map failed");
        tables.resize(painter.count_blocks(kLeaves));
        require(painter.prepare(kLeaves, tables).has_value(), "no memory");
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.synchronize(cpu);
    }
    ~World() { arch::on_relax = nullptr; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return kCpus; }

    // The steps of wait_off_root on a CPU; the loop's branch has no step of its own.
    void wait_in_idmap(u32 cpu)
    {
        TrampolineProgram<Machine> program{machine, root, {{"x0", root}, {"x1", reserved}}};
        for (const std::string& instruction : instructions) {
            if (instruction == "stlrb w4, [x2]")
                hold.is_off_root[cpu].store(true, std::memory_order_release);
            else if (instruction.starts_with("ldaxrb w4, [x3]"))
                while (!hold.is_over.load(std::memory_order_acquire))
                    arch::relax();
            else if (instruction != "mov w4, #1" && instruction != "sevl" &&
                     !instruction.starts_with("1: wfe") && !instruction.starts_with("cbz w4"))
                program.execute(instruction);
        }
    }

    void paint()
    {
        const auto change = [&] {
            mm::TlbBatch<G, Alone> batch{alone};
            painter.paint(kLeaves, tables, batch);
        };
        if (waits) {
            const OthersOffRoots held;
            change();
        } else {
            change();
        }
    }

    void run(u32 cpu)
    {
        if (cpu == 0)
            return paint();
        if (waits) {
            await_call();
            answer_call();
            end_call();
        }
        if (cpu == 1)
            read(cpu, kProbe, {kMemory + G::kPageSize});
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            machine.execute_on(cpu);
            machine.synchronize(cpu);
            machine.expect_settled();
            const auto got = machine.outcomes(cpu, kProbe);
            require(got.size() == 1 && got[0].address == kMemory + G::kPageSize,
                    "a wrong translation is left");
        }
        require(painter.count_blocks(kLeaves) == 0, "a block is left");
        return ExploredKernel::verdict();
    }

    PhysAddr reserved = *allocate_table();
    Hold hold{};
    Alone alone;
    mm::PagePainter<G, arch::Pte, Alone> painter{root, alone};
    std::vector<PhysAddr> tables;
    Instructions instructions = instructions_of(trampoline_source, "wait_off_root");
    bool waits{true};
};

TEST(ExploredRepaintTest, CpusThatTolerateNoChangeOfSizeSeeNone)
{
    expect_right<World>("repaint");
}

struct NobodyWaits : World {
    explicit NobodyWaits(Explorer& e) : World{e} { waits = false; }
};

// Without one instruction of wait_off_root.
template <std::size_t N>
struct Shortened : World {
    explicit Shortened(Explorer& e) : World{e} { instructions = without(instructions, N); }
};

TEST(ExploredRepaintTest, EveryOtherCpuMustLeaveItsRootAndItsTlb)
{
    const Instructions all = instructions_of(trampoline_source, "wait_off_root");
    ASSERT_GT(all.size(), 5u);
    ASSERT_EQ(all[1], "msr ttbr1_el1, x1");
    ASSERT_EQ(all[3], "tlbi vmalle1");
    ASSERT_EQ(all[4], "dsb nsh");
    expect_wrong<NobodyWaits>("no CPU is held");
    expect_wrong<Shortened<1>>("the CPUs stay on their roots");
    expect_wrong<Shortened<2>>("no ISB after TTBR1 is written");
    expect_wrong<Shortened<3>>("the CPUs keep their TLBs");
    expect_wrong<Shortened<4>>("nobody waits for the TLBI");
}

} // namespace
} // namespace percival::testing

namespace percival::arch {

void begin_hold_off_roots()
{
    for (auto& cpu : testing::world->hold.is_off_root)
        cpu.store(false, std::memory_order_relaxed);
    testing::world->hold.is_over.store(false, std::memory_order_relaxed);
}

void wait_off_root(CpuId self)
{
    testing::world->wait_in_idmap(self.index());
}

bool is_off_root(CpuId cpu)
{
    return testing::world->hold.is_off_root[cpu.index()].load(std::memory_order_acquire);
}

void end_hold_off_roots()
{
    testing::world->hold.is_over.store(true, std::memory_order_release);
}

} // namespace percival::arch

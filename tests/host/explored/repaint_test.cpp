// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that repaints leaves with pages, and of two CPUs that use these leaves
// and do not tolerate that they change their size. The code is that of kernel/wait, of mm/page_table, and
// of the idmap: the instructions of wait_off_root as they stand in arch/arm64/mmu/trampoline.S.
//
// Watched at each step of any CPU: a CPU that is on its root reaches its stack, its percpu data and, if it
// repaints, the page of the hand-shake. One that says it is off its root reaches none of them.
#include "arch/mmu/off_root.hpp"
#include "kernel/wait/others_off_roots.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/page_table/page_painter.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

constexpr u32 kCpus = 3;

// What the idmap's page of data has.
struct Hold {
    std::array<std::atomic<bool>, kCpus> is_off_root;
    std::atomic<bool> is_over;
    std::array<bool, kCpus> is_taken_for_off{}; // without a look
};

struct World;
World* world = nullptr;

using G = mm::KernelGeometry;
constexpr Bytes kPage = G::kPageSize;
constexpr Bytes kBlock = G::entry_size(mm::kLastLevel.up());
constexpr u64 kRun = G::contiguous_entries(mm::kLastLevel);
// A block, and a run of pages with the contiguous hint.
constexpr VirtRange kLeaves{kRegion<G>, kBlock + kPage* kRun};
constexpr VirtAddr kStacks = kRegion<G>;              // a page for each CPU
constexpr VirtAddr kPercpuData = kRegion<G> + kBlock; // a page for each CPU
constexpr PhysAddr kPercpuMemory = kMemory + kBlock;
constexpr VirtRange kWindow{kRegion<G> + G::entry_size(G::kRootLevel), kPage}; // on the CPU's own page
constexpr VirtRange kHoldPage{kRegion<G> + G::entry_size(G::kRootLevel) * 2, kPage};
constexpr PhysAddr kHoldMemory = kMemory + kBlock * 2;

// Whether all CPUs share one root, or each has its own, which shares the tables of the linear map.
enum class Roots : u8 { Common, Private };

// The kernel's tables where only CPU 0 walks them.
struct Alone : mm::KernelTables {
    static bool resizes_live() { return true; }
};

struct World : ExploredKernel {
    explicit World(Explorer& e, Roots roots = Roots::Private) : ExploredKernel{e, kCpus, 32}
    {
        world = this;
        machine.add_root(reserved);
        machine.set_resizes_live_only_on(0);
        arch::on_relax = [this] { wait_for_change(); };
        map(root, kLeaves, kMemory);
        map(root, kHoldPage, kHoldMemory);
        root_of.fill(root);
        if (roots == Roots::Private)
            make_private_roots();
        tables.resize(painter.count_blocks(kLeaves));
        require(painter.prepare(kLeaves, tables).has_value(), "no memory");
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.synchronize(cpu);
    }
    virtual ~World() { arch::on_relax = nullptr; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return kCpus; }

    void map(PhysAddr tree, VirtRange range, PhysAddr memory)
    {
        mm::KernelPageTable table{tree, mm::kernel_tables()};
        require(table.map(range, memory, mm::kData).has_value(), "map failed");
    }
    void make_private_roots()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            root_of[cpu] = *allocate_table();
            machine.set_root(cpu, root_of[cpu]);
            for (u64 index = 0; index < G::entries(G::kRootLevel); ++index) {
                const arch::Pte entry = mm::KernelTables::table(root)[index];
                if (entry.kind(G::kRootLevel) != mm::PteKind::Invalid)
                    mm::KernelTables::store(mm::KernelTables::table(root_of[cpu]) + index, entry);
            }
            mm::KernelTables::publish();
            map(root_of[cpu], kWindow, kPercpuMemory + kPage * cpu);
        }
    }

    // The steps of wait_off_root on a CPU; the loop's branch has no step of its own.
    void wait_in_idmap(u32 cpu)
    {
        TrampolineProgram<Machine> program{machine, root_of[cpu], {{"x0", root_of[cpu]}, {"x1", reserved}}};
        is_on_root[cpu] = false;
        for (const std::string& instruction : instructions) {
            if (instruction == "stlrb w4, [x2]") {
                hold.is_off_root[cpu].store(true, std::memory_order_release);
                has_said_so[cpu] = true;
            } else if (instruction.starts_with("ldaxrb w4, [x3]")) {
                while (!hold.is_over.load(std::memory_order_acquire))
                    arch::relax();
                has_said_so[cpu] = false;
            } else if (instruction != "mov w4, #1" && instruction != "sevl" &&
                       !instruction.starts_with("1: wfe") && !instruction.starts_with("cbz w4")) {
                program.execute(instruction);
            }
        }
        is_on_root[cpu] = true;
    }

    // Looks at all CPUs, before each step of one.
    void watch()
    {
        machine.on_step = [this, stop = machine.on_step](const arch::Step& step) {
            stop(step);
            for (u32 cpu = 0; cpu < kCpus; ++cpu)
                look_at(cpu);
        };
    }
    void look_at(u32 cpu)
    {
        const Bytes own = kPage * cpu;
        expect_reach(cpu, kStacks + own, kMemory + own, "a stack is out of reach");
        expect_reach(cpu, kPercpuData + own, kPercpuMemory + own, "percpu data are out of reach");
        if (root_of[cpu] != root)
            expect_reach(cpu, kWindow.base, kPercpuMemory + own, "the window is out of reach");
        if (cpu == 0)
            expect_reach(cpu, kHoldPage.base, kHoldMemory, "the hand-shake is out of reach");
    }
    void expect_reach(u32 cpu, VirtAddr at, PhysAddr memory, const char* complaint)
    {
        if (!is_on_root[cpu] && !has_said_so[cpu])
            return; // on its way, and uses neither
        const auto got = machine.outcomes(cpu, at);
        require(got.size() == 1, "a CPU may get one of several translations");
        if (is_on_root[cpu])
            require(got[0].address == memory && got[0].attributes == mm::kData, complaint);
        else
            require(!got[0].address, "a CPU that says it is off its root still translates by it");
    }

    void change()
    {
        mm::TlbBatch<G, Alone> batch{alone};
        painter.paint(kLeaves, tables, batch);
    }
    virtual void paint()
    {
        if (waits) {
            const OthersOffRoots held;
            change();
        } else {
            change();
        }
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            watch();
            return paint();
        }
        if (waits) {
            await_call();
            answer_call();
            end_call();
        }
        read(cpu, kStacks, {kMemory});
        read(cpu, kPercpuData, {kPercpuMemory});
    }

    std::string verdict()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            machine.execute_on(cpu);
            machine.synchronize(cpu);
            machine.expect_settled();
            look_at(cpu);
        }
        require(painter.count_blocks(kLeaves) == 0, "a block is left");
        return ExploredKernel::verdict();
    }

    PhysAddr reserved = *allocate_table();
    std::array<PhysAddr, kCpus> root_of{};
    std::array<bool, kCpus> is_on_root{true, true, true};
    std::array<bool, kCpus> has_said_so{}; // that it is off its root
    Hold hold{};
    Alone alone;
    mm::PagePainter<G, arch::Pte, Alone> painter{root, alone};
    std::vector<PhysAddr> tables;
    Instructions instructions = instructions_of(trampoline_source, "wait_off_root");
    bool waits{true};
};

struct CommonRoot : World {
    explicit CommonRoot(Explorer& e) : World{e, Roots::Common} {}
};

TEST(ExploredRepaintTest, CpusThatTolerateNoChangeOfSizeSeeNone)
{
    expect_right<World>("a repaint with private roots");
    expect_right<CommonRoot>("a repaint with one root");
}

// CPU 2 is off and comes while CPU 0 repaints: who starts it keeps cpus_change until it is counted. CPU 1
// stays off.
struct ComesMeanwhile : World {
    static constexpr CpuId kLate{2};

    explicit ComesMeanwhile(Explorer& e) : World{e}
    {
        for (const u32 cpu : {1u, kLate.index()}) {
            machine.set_root(cpu, reserved);
            machine.power_off(cpu);
            is_on_root[cpu] = false;
            is_off[cpu] = true;
        }
    }

    void run(u32 cpu)
    {
        if (cpu == 1)
            return;
        if (cpu == 0) {
            World::run(cpu);
            ask_for_nothing(kLate); // it may have come too late to be held
            return;
        }
        come();
        await_call();
        answer_call();
        end_call();
        read(cpu, kStacks, {kMemory});
        read(cpu, kPercpuData, {kPercpuMemory});
    }
    virtual void come() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
    {
        cpus_change.lock();
        get_onto_root();
        is_off[kLate.index()] = false;
        cpus_change.unlock();
    }
    // The steps from the firmware to the CPU's own root.
    void get_onto_root()
    {
        machine.power_on(kLate.index(), reserved);
        TrampolineProgram<Machine> program{machine, reserved, {{"x1", root_of[kLate.index()]}}};
        for (const std::string& instruction : instructions_of_a_cpu_that_comes_on())
            program.execute(instruction);
        is_on_root[kLate.index()] = true;
    }
};

// It is on its root before it is counted, and the repaint begins then.
struct CountedLate : ComesMeanwhile {
    using ComesMeanwhile::ComesMeanwhile;

    void paint() override
    {
        explorer.wait_until(&has_come_, [this] { return has_come_; });
        World::paint();
    }
    void come() override PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
    {
        get_onto_root();
        explorer.touch(&has_come_);
        has_come_ = true;
        cpus_change.lock();
        is_off[kLate.index()] = false;
        cpus_change.unlock();
    }

private:
    bool has_come_{false};
};

TEST(ExploredRepaintTest, ACpuThatComesMeanwhileIsHeldOrComesAfterwards)
{
    expect_right<ComesMeanwhile>("a CPU comes while the linear map is repainted");
    expect_wrong<CountedLate>("a CPU uses its root before it is counted");
}

struct NobodyWaits : World {
    explicit NobodyWaits(Explorer& e) : World{e} { waits = false; }
};

// The others are let go before the tables change.
struct LetGoEarly : World {
    using World::World;

    void paint() override
    {
        {
            const OthersOffRoots held;
        }
        change();
    }
};

// CPU 2 is taken to be off its root whether it is or not.
struct OneIsNotWaitedFor : World {
    explicit OneIsNotWaitedFor(Explorer& e) : World{e} { hold.is_taken_for_off[2] = true; }
};

// Without one instruction of wait_off_root.
template <std::size_t N>
struct Shortened : World {
    explicit Shortened(Explorer& e) : World{e} { instructions = without(instructions, N); }
};

// The CPUs say that they are off their roots one instruction too early, or more.
template <std::size_t N>
struct SaidEarly : World {
    explicit SaidEarly(Explorer& e) : World{e}
    {
        const auto word = std::ranges::find(instructions, "stlrb w4, [x2]");
        std::rotate(instructions.begin() + N, word, word + 1);
    }
};

TEST(ExploredRepaintTest, EveryOtherCpuMustLeaveItsRootAndItsTlb)
{
    const Instructions all = instructions_of(trampoline_source, "wait_off_root");
    ASSERT_GT(all.size(), 5u);
    ASSERT_EQ(all[1], "msr ttbr1_el1, x1");
    ASSERT_EQ(all[3], "tlbi vmalle1");
    ASSERT_EQ(all[4], "dsb nsh");
    expect_wrong<NobodyWaits>("no CPU is held");
    expect_wrong<LetGoEarly>("the CPUs are let go before the tables change");
    expect_wrong<OneIsNotWaitedFor>("one of two CPUs is not waited for");
    expect_wrong<SaidEarly<1>>("the CPUs are still on their roots when they say they are not");
    expect_wrong<SaidEarly<4>>("the CPUs do not wait for the TLBI before they say they are off");
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
    const testing::Hold& hold = testing::world->hold;
    return hold.is_taken_for_off[cpu.index()] ||
           hold.is_off_root[cpu.index()].load(std::memory_order_acquire);
}

void end_hold_off_roots()
{
    testing::world->hold.is_over.store(true, std::memory_order_release);
}

} // namespace percival::arch

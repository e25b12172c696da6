// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that patches the sites of this_cpu operations, and one that executes
// them. The code is that of arch/arm64/percpu_modes, mm/kernel_map and kernel/wait. Each store of patched
// text goes where the TLB of the machine leads it, and each CPU executes what it has fetched ahead
// (tests/host/caches/instruction_caches.hpp).
#include "arch/percpu_modes/alternatives.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "mm/address_space/fixmap.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"
#include "tests/host/caches/image_of_sites.hpp"
#include "tests/host/caches/instruction_caches.hpp"

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

constexpr arch::PercpuForm kForm{.mode = arch::PercpuMode::Guarded, .lse = true};

class Caches final : public arch::InstructionCaches {
public:
    Caches(const Image& image, u32 cpus) : InstructionCaches{image, cpus} {}

    std::optional<u64> offset_of(u64 address) const override
    {
        const bool is_alias = VirtAddr{address} >= mm::KernelGeometry::kKernelBase;
        return offset_in_image(is_alias ? explored->written_at(VirtAddr{address}).raw() : address);
    }
    u32 executing() const override { return explored->machine.executing(); }
};

class World : public ExploredKernel {
public:
    explicit World(Explorer& e) : ExploredKernel{e, kCpus, 16}
    {
        memory = [](PhysAddr at) { return writable_image() + offset_in_image(at.raw()).value(); };
        arch::on_relax = [this] { wait_for_change(); };
        // The tables of the fixmap exist since boot.
        mm::KernelTlbBatch batch{mm::kernel_tables()};
        require(table().map(mm::kFixmapWritable, kMemory, mm::kData).has_value(), "map failed");
        require(table().unmap(mm::kFixmapWritable, batch).has_value(), "unmap failed");
    }
    ~World() { arch::on_relax = nullptr; }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return kCpus; }

    // All CPUs are done.
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            machine.execute_on(cpu);
            machine.synchronize(cpu);
            machine.expect_settled();
            for (const Outcome& outcome : machine.outcomes(cpu, mm::kFixmapWritable.base))
                require(!outcome.address, "the text can be written when nobody writes it");
        }
        return ExploredKernel::verdict();
    }

protected:
    static constexpr u32 kCpus = 2;

    static mm::KernelPageTable table() { return mm::master_table(); }
    // The executing CPU executes each site. Returns whether all are those of `form`.
    bool executes(arch::PercpuForm form)
    {
        explorer.access();
        bool all = true;
        for (u32 n = 0; n < arch::kSites.size(); ++n) {
            const auto at = offset_in_image(address_of(&image.text[arch::kSites[n]]).raw());
            const u32 instruction = caches.instruction(machine.executing(), at.value());
            all = all && instruction == arch::instruction_of(image.alternatives[n], form);
        }
        return all;
    }

    Image& image{make_image(arch::fill_with_sites)};
    Caches caches{image, kCpus};
};

// CPU 0 patches while CPU 1 is held by an interrupt.
struct Patched : World {
    using World::World;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            stop_machine([] { arch::patch_percpu_operations(kForm); });
            return require(executes(kForm), "the CPU that patches executes old instructions");
        }
        arch::isb(); // so that it executes what its caches hold now
        require(executes(arch::kPercpuFormAsLinked), "instructions change while a CPU runs");
        await_call();
        caches.synchronize(1); // by the exception
        answer_call();
        // Still in the handler of the interrupt.
        require(executes(kForm), "a CPU that was held executes old instructions");
        end_call();
    }
};

TEST(ExploredTextTest, ACpuThatWasHeldExecutesOnlyNewInstructions)
{
    expect_right<Patched>("text is patched");
}

// The same while CPU 1 runs on. It is told when CPU 0 is done, and may synchronize itself then.
template <bool Synchronizes>
struct PatchedUnderACpu : World {
    using World::World;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            arch::patch_percpu_operations(kForm);
            return is_done_.store(true, std::memory_order_release);
        }
        while (!is_done_.load(std::memory_order_acquire))
            arch::relax();
        if (Synchronizes)
            arch::isb();
        require(executes(kForm), "a CPU that knows of new instructions executes old ones");
    }

private:
    std::atomic<bool> is_done_{false};
};

TEST(ExploredTextTest, ACpuThatKnowsOfNewInstructionsExecutesThemOnlyAfterAnIsb)
{
    expect_right<PatchedUnderACpu<true>>("text is patched under a CPU");
    expect_wrong<PatchedUnderACpu<false>>("the CPU makes no ISB");
}

// CPU 0 patches while CPU 1, which has been off, executes what brings it onto its root. No maintenance of
// caches reaches a CPU whose own are off.
struct PatchedWhileOff : World {
    using World::World;

    // Returns what CPU 1 executes then, if CPU 0 patches before instruction `patched_before`.
    bool executes_form_after(const Instructions& instructions, std::size_t patched_before)
    {
        const PhysAddr reserved = *explored->allocate_table();
        machine.add_root(reserved);
        machine.execute_on(1);
        machine.power_off(1);
        caches.turn(1, false);
        machine.power_on(1, reserved);
        TrampolineProgram<ExploredKernel::Machine> program{machine, reserved, {{"x1", explored->root}}};
        program.invalidate_own_lines = [this] { caches.invalidate_own_lines(); };
        for (std::size_t n = 0; n < instructions.size(); ++n) {
            if (n == patched_before) {
                machine.execute_on(0);
                arch::patch_percpu_operations(kForm);
                machine.execute_on(1);
            }
            if (instructions[n] == "msr sctlr_el1, x0")
                caches.turn(1, true);
            program.execute(instructions[n]);
        }
        return executes(kForm);
    }
};

TEST(ExploredTextTest, ACpuThatComesBackExecutesNothingThatItFetchedBeforeItsCachesWereOn)
{
    Explorer none;
    const Instructions all = instructions_of_a_cpu_that_comes_on();
    const auto on = static_cast<std::size_t>(std::ranges::find(all, "msr sctlr_el1, x0") - all.begin());
    const auto after_last = std::ranges::find(all.rbegin(), all.rend(), "ic iallu").base();
    const auto last = static_cast<std::size_t>(after_last - all.begin()) - 1;
    ASSERT_GT(last, on);
    for (std::size_t n = 0; n <= last; ++n)
        EXPECT_TRUE(PatchedWhileOff{none}.executes_form_after(all, n)) << "patched before " << all[n];
    EXPECT_FALSE(PatchedWhileOff{none}.executes_form_after(without(all, last), on));
}

// Each CPU writes to its own page of the text.
struct TwoWriters : World {
    using World::World;

    static u32 value(u32 cpu) { return 0xd503'2000 + cpu; }
    u32* word(u32 cpu) { return &image.text[cpu * kPage / sizeof(u32)]; }

    void run(u32 cpu)
    {
        const mm::WritableWindow window{mm::image_to_physical(word(cpu))};
        std::atomic_ref{*window.writable<u32>()}.store(value(cpu), std::memory_order_relaxed);
    }
    std::string verdict()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            require(*word(cpu) == value(cpu), "a store did not reach its page");
        return World::verdict();
    }
};

TEST(ExploredTextTest, EachOfTwoCpusThatOpenAWindowWritesToItsOwnPage)
{
    expect_right<TwoWriters>("two windows");
}

} // namespace
} // namespace percival::testing

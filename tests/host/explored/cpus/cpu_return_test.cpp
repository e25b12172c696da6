// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that comes back, the CPU that starts it, and one that flushes
// meanwhile.
#include "explored/cpus/cpu_life_bed.hpp"

namespace percival::testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

// CPU 1 has been off while its stack got other memory, and comes back. CPU 2 has unmapped kData, and flushes
// that at one moment of many.
struct ComesBack : CpuLife {
    static constexpr PhysAddr kNewStackPage = kMemory + kPage * 2;
    static constexpr std::size_t kNever = 1000;
    // Which instruction CPU 1 leaves out, and before which one CPU 2 flushes. The explorer makes the objects.
    static inline std::size_t left_out = kNever, flushed_before = 0;

    explicit ComesBack(Explorer& e) : CpuLife{e}
    {
        set_offline(kLiving);
        machine.execute_on(1);
        say_goodbye();
        try {
            turn_off();
        } catch (const TurnedOff&) {
            machine.execute_on(0);
        }
        unmap(kStack, kStackPage);
        require(table().map(kStack, kNewStackPage, mm::kData).has_value(), "map failed");
        machine.execute_on(2);
        batch_.emplace(mm::kernel_tables());
        require(table().unmap(kData, *batch_).has_value(), "unmap failed");
        if (left_out < instructions.size())
            instructions = without(instructions, left_out);
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(bring_cpu_online(kLiving).has_value(), "a CPU does not come back");
        } else if (cpu == 1) {
            while (!has_power())
                arch::relax();
            get_onto_root();
            require(arrive(kLiving), "a CPU that is waited for is left out");
            read(kStack, {kNewStackPage});
            read(kData, {std::nullopt});
            set_online(kLiving, {});
        } else {
            explorer.wait_until(&turn_, [this] { return turn_ == 2; });
            batch_.reset();
            machine.reuse_memory({kDataPage, kPage});
            explorer.touch(&turn_);
            turn_ = 1;
        }
    }

private:
    // Executes what comes between the firmware and the virtual addresses.
    void get_onto_root()
    {
        TrampolineProgram<ExploredKernel::Machine> program{machine, reserved, {{"x1", explored->root}}};
        for (std::size_t n = 0; n < instructions.size(); ++n) {
            if (n == flushed_before) {
                explorer.touch(&turn_);
                turn_ = 2;
                explorer.wait_until(&turn_, [this] { return turn_ == 1; });
            }
            program.execute(instructions[n]);
            if (instructions[n] == "msr sctlr_el1, x0")
                read(kStack, {std::nullopt}); // the reserved root maps nothing
        }
    }

    std::optional<mm::KernelTlbBatch> batch_{};
    u32 turn_{1}; // the CPU that goes on
};

TEST(ExploredCpuLifeTest, ACpuThatComesBackUsesTodaysTablesOnly)
{
    ComesBack::left_out = ComesBack::kNever;
    const std::size_t all = instructions_of_a_cpu_that_comes_on().size();
    for (ComesBack::flushed_before = 0; ComesBack::flushed_before < all; ++ComesBack::flushed_before)
        expect_right<ComesBack>("a CPU comes back");
}

TEST(ExploredCpuLifeTest, ACpuThatComesBackMustForgetWhatItKnewBeforeItsMmuIsOn)
{
    ComesBack::flushed_before = 0;
    const Instructions all = instructions_of_a_cpu_that_comes_on();
    for (const char* needed : {"tlbi vmalle1", "dsb nsh", "isb"}) {
        ComesBack::left_out = static_cast<std::size_t>(std::ranges::find(all, needed) - all.begin());
        expect_wrong<ComesBack>(needed);
    }
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Carries out the instructions of the idmap trampoline (arch/arm64/mmu/trampoline.S) on the simulated
// machine, as the executing CPU. Registers hold nothing but roots.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb.hpp"
#include "support/assembly_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

namespace percival::testing {

using Instructions = std::vector<std::string>;

inline Instructions without(Instructions all, std::size_t n)
{
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(n));
    return all;
}

// Returns what a CPU executes from when its MMU is off until it is on its root.
inline Instructions instructions_of_a_cpu_that_comes_on()
{
    Instructions all = instructions_of(trampoline_source, "enable_mmu");
    std::ranges::copy(instructions_of(trampoline_source, "replace_ttbr1"), std::back_inserter(all));
    return all;
}

template <class Machine>
class TrampolineProgram {
public:
    TrampolineProgram(Machine& machine, PhysAddr ttbr1, std::map<std::string, PhysAddr> registers)
        : machine_{machine}, ttbr1_{ttbr1}, registers_{std::move(registers)}
    {
    }

    bool mmu_is_on{true};
    std::function<void()> invalidate_own_lines{}; // IC IALLU, if there are caches of instructions

    void execute(const std::string& instruction)
    {
        if (instruction.starts_with("msr ttbr1_el1, "))
            write_ttbr1(instruction.substr(15));
        else if (instruction == "mrs x2, ttbr1_el1")
            registers_["x2"] = ttbr1_;
        else if (const auto comma = instruction.find(", "); instruction.starts_with("mov "))
            registers_[instruction.substr(4, comma - 4)] = registers_[instruction.substr(comma + 2)];
        else if (instruction == "msr sctlr_el1, x0")
            mmu_is_on = true;
        else
            maintain(instruction);
    }

private:
    void write_ttbr1(const std::string& from)
    {
        ttbr1_ = registers_.at(from);
        machine_.write_root(ttbr1_);
    }
    void maintain(const std::string& instruction)
    {
        if (instruction == "isb")
            arch::isb();
        else if (instruction == "tlbi vmalle1")
            arch::tlbi_all<arch::TlbScope::ThisCpu>();
        else if (instruction == "dsb nsh")
            arch::dsb<arch::Shareability::NonShareable>();
        else if (instruction == "ic iallu" && invalidate_own_lines)
            invalidate_own_lines();
        else
            EXPECT_TRUE(instruction == "ret" || instruction.starts_with("hint") || instruction == "ic iallu")
                << instruction;
    }

    Machine& machine_;
    PhysAddr ttbr1_;
    std::map<std::string, PhysAddr> registers_;
};

} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// The code that really runs, read back from memory after patching: an operation in a loop is one instruction
// per turn.
#include "arch/alternatives.hpp"
#include "arch/instruction.hpp"
#include "kernel/selftest.hpp"
#include "mm/percpu.hpp"

#include <span>

extern "C" {
extern percival::arch::Alternative __start_alternatives[], __stop_alternatives[];
}

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};

[[gnu::noinline]] void add_in_a_loop(u64 turns)
{
#pragma clang loop unroll(disable)
    for (u64 turn = 0; turn < turns; ++turn)
        counter.add(1);
}

[[gnu::noinline]] u64 read_in_a_loop(u64 turns)
{
    u64 sum = 0;
#pragma clang loop unroll(disable)
    for (u64 turn = 0; turn < turns; ++turn)
        sum += counter.read();
    return sum;
}

// What is between the target of the first backward conditional branch and that branch.
std::span<const u32> loop_in(const void* function)
{
    const auto* code = static_cast<const u32*>(function);
    for (u32 index = 0; index < 64; ++index) {
        const auto offset = arch::conditional_branch_offset(code[index]);
        if (offset && *offset < 0)
            return {code + index + *offset, static_cast<std::size_t>(-*offset)};
    }
    return {};
}

struct Counts {
    u32 atomics{0};
    u32 loads{0};
    u32 branches{0};
    u32 others{0};
};

Counts count(std::span<const u32> code)
{
    Counts counts;
    for (const u32 instruction : code) {
        counts.atomics += arch::is_lse_atomic(instruction);
        counts.loads += arch::is_load(instruction);
        counts.branches += arch::branch_offset(instruction).has_value();
        counts.others += arch::is_store_or_exclusive(instruction);
    }
    return counts;
}

PERCIVAL_TEST(emitted_code, add_in_a_loop_is_one_atomic_instruction_per_turn)
{
    const auto loop = loop_in(reinterpret_cast<const void*>(&add_in_a_loop));
    const Counts counts = count(loop);
    EXPECT_EQ(counts.loads, 0u);
    EXPECT_EQ(counts.others, 0u);
    if (arch::atomics_are_lse()) {
        EXPECT_EQ(counts.atomics, 1u);
        EXPECT_EQ(counts.branches, 0u);
    } else {
        EXPECT_EQ(counts.atomics, 0u);
        EXPECT_EQ(counts.branches, 1u); // to the LL/SC sequence
    }
    EXPECT_EQ(loop.size(), 2u); // it, and the count-down
    add_in_a_loop(1);
}

PERCIVAL_TEST(emitted_code, read_in_a_loop_is_one_load_per_turn)
{
    const auto loop = loop_in(reinterpret_cast<const void*>(&read_in_a_loop));
    const Counts counts = count(loop);
    EXPECT_EQ(counts.loads, 1u);
    EXPECT_EQ(counts.atomics + counts.others + counts.branches, 0u);
    EXPECT_EQ(loop.size(), 3u); // it, the sum, and the count-down
    EXPECT_EQ(read_in_a_loop(0), 0u);
}

PERCIVAL_TEST(emitted_code, every_alternative_is_applied_or_none)
{
    u32 sites = 0;
    for (arch::Alternative* alternative = __start_alternatives; alternative != __stop_alternatives;
         ++alternative) {
        EXPECT(arch::is_lse_atomic(alternative->instruction));
        const u32 live = *alternative->site();
        if (arch::atomics_are_lse())
            EXPECT_EQ(live, alternative->instruction);
        else
            EXPECT(arch::branch_offset(live).has_value());
        ++sites;
    }
    EXPECT(sites > 0);
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Checks the code of a build of one mode, read back from memory after patching: the whole sequence of an
// operation stands in line (arch/percpu/in_line.hpp).
#include "arch/debug/instruction.hpp"
#include "arch/percpu_modes/alternatives.hpp"
#include "arch/percpu_modes/fixup.hpp"
#include "arch/percpu_modes/restart.hpp"
#include "kernel/selftest/selftest.hpp"
#include "linker/symbols.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "tests/kernel/support/emitted_code.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace percival {
namespace {

using arch::PercpuMode;

PERCIVAL_PERCPU PerCpu<u64> counter{};

template <class T>
void keep(T value)
{
    asm volatile("" : : "r"(value));
}

template <class Operation>
[[gnu::always_inline]] inline void repeat(u64 turns, Operation operation)
{
#pragma clang loop unroll(disable)
    for (u64 turn = 0; turn < turns; ++turn)
        operation();
}

[[gnu::noinline]] void read_in_a_loop(u64 turns)
{
    repeat(turns, [] { keep(counter.read()); });
}

[[gnu::noinline]] void read_static_in_a_loop(u64 turns)
{
    repeat(turns, [] { keep(this_cpu<counter>.read()); });
}

[[gnu::noinline]] void write_in_a_loop(u64 turns)
{
    repeat(turns, [] { counter.write(7); });
}

[[gnu::noinline]] void add_in_a_loop(u64 turns)
{
    repeat(turns, [] { counter.add(1); });
}

[[gnu::noinline]] void add_return_in_a_loop(u64 turns)
{
    repeat(turns, [] { keep(counter.add_return(1)); });
}

[[gnu::noinline]] void cmpxchg_in_a_loop(u64 turns)
{
    repeat(turns, [] { keep(counter.cmpxchg(1, 2)); });
}

struct Loop {
    void (*function)(u64 turns);
    std::array<u32, 3> length; // instructions per turn in restart, fixup and guarded mode
};

constexpr Loop kAccesses[] = {
    {&read_in_a_loop, {1, 5, 10}},
    {&read_static_in_a_loop, {1, 5, 10}},
    {&write_in_a_loop, {1, 5, 10}},
};
constexpr Loop kAtomics[] = {
    {&add_in_a_loop, {2, 6, 11}},
    {&add_return_in_a_loop, {3, 7, 12}},
    {&cmpxchg_in_a_loop, {3, 7, 12}},
};

constexpr bool kIsRestart = kPercpuModeInLine == static_cast<u8>(PercpuMode::Restart);
constexpr bool kIsFixup = kPercpuModeInLine == static_cast<u8>(PercpuMode::Fixup);

std::span<const u32> body_of(const Loop& loop)
{
    return loop_in(reinterpret_cast<const void*>(loop.function));
}

// Returns the body of the loop, whose length it expects.
std::span<const u32> expect_length(const Loop& loop)
{
    const auto body = body_of(loop);
    constexpr u32 kCountDown = 1;
    EXPECT_EQ(body.size(), loop.length[kPercpuModeInLine - 1] + kCountDown);
    loop.function(1); // the code works
    return body;
}

u32 branches_in(std::span<const u32> code)
{
    return static_cast<u32>(std::ranges::count_if(
        code, [](u32 instruction) { return arch::branch_offset(instruction).has_value(); }));
}

PERCIVAL_TEST(emitted_in_line, a_load_or_store_has_no_branch_in_a_loop_and_the_promised_length)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_kind_of_atomics(arch::percpu_form().mode, [](PercpuMode) {
        for (const Loop& loop : kAccesses)
            EXPECT_EQ(branches_in(expect_length(loop)), 0u);
    });
}

PERCIVAL_TEST(emitted_in_line, an_atomic_operation_is_in_line_with_lse_and_a_loop_out_of_line_without)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_kind_of_atomics(arch::percpu_form().mode, [](PercpuMode) {
        const u32 lse = runs_lse() ? 1 : 0;
        for (const Loop& loop : kAtomics) {
            const auto body = expect_length(loop);
            EXPECT_EQ(std::ranges::count_if(body, &arch::is_lse_atomic), lse);
            EXPECT_EQ(branches_in(body), 1 - lse);
        }
    });
}

PERCIVAL_TEST(emitted_in_line, every_site_has_the_instruction_of_the_chosen_form)
{
    for_each_kind_of_atomics(arch::percpu_form().mode, [](PercpuMode) {
        EXPECT(!all_alternatives().empty());
        EXPECT_EQ(count_wrong_sites(), 0u);
    });
}

PERCIVAL_TEST(emitted_in_line, an_add_without_result_is_ldadd_stadd_or_llsc)
{
    SKIP_WITH_PERCPU_SHADOW();
    if (!arch::percpu_form().lse)
        SKIP("the CPUs have no FEAT_LSE");
    for (const auto add : {arch::AddForm::StoreAdd, arch::AddForm::LlSc, arch::AddForm::LoadAdd}) {
        const InPercpuForm in_form{{arch::percpu_form().mode, true, add}};
        const auto body = body_of(kAtomics[0]);
        const auto atomic = std::ranges::find_if(body, &arch::is_lse_atomic);
        EXPECT_EQ(atomic == body.end(), add == arch::AddForm::LlSc);
        if (atomic != body.end())
            EXPECT_EQ((*atomic & 31) == 31, add == arch::AddForm::StoreAdd);
    }
}

PERCIVAL_TEST(emitted_in_line, the_operation_that_publishes_a_pointer_is_a_store_release_in_every_form)
{
    for_each_kind_of_atomics(arch::percpu_form().mode, [](PercpuMode) {
        EXPECT_EQ(releases_in(loop_in(reinterpret_cast<const void*>(&mm::put_freed))), 1u);
    });
}

// --- Restart mode

u64 address_in(std::span<const u32> code, std::size_t n)
{
    return address_of(code.data()).raw() + n * sizeof(u32);
}

u64 restarted_from(u64 pc)
{
    arch::Registers registers{};
    registers.pc = pc;
    arch::restart_percpu_operation(registers);
    return registers.pc;
}

// Expects that the code starts over from every instruction up to the one that commits, and from none after.
void expect_restarts(std::span<const u32> code, std::size_t commit)
{
    for (std::size_t n = 0; n < code.size(); ++n)
        EXPECT_EQ(restarted_from(address_in(code, n)), address_in(code, n <= commit ? 0 : n));
}

PERCIVAL_TEST(emitted_in_line, a_restart_sequence_starts_over_up_to_its_commit_and_not_after)
{
    SKIP_WITH_PERCPU_SHADOW();
    if (!kIsRestart)
        SKIP("the build has no restart mode");
    for_each_kind_of_atomics(PercpuMode::Restart, [](PercpuMode) {
        for (const Loop& loop : kAtomics) {
            const auto body = body_of(loop);
            const auto add = std::ranges::find_if(body, &arch::is_add_to_x18);
            ASSERT(body.end() - add >= 2);
            const std::span<const u32> in_line{add, body.end()};
            EXPECT_EQ(arch::is_lse_atomic(in_line[1]), runs_lse());
            expect_restarts(in_line, 1);
            const auto to_loop = arch::branch_offset(in_line[1]);
            if (!to_loop)
                continue;
            // The branch leads behind the add of the loop, which only retries execute.
            const u32* const start = &in_line[1] + *to_loop - 1;
            const std::span<const u32> out_of_line{start, 8};
            const auto commit = std::ranges::find_if(out_of_line, &arch::is_store_exclusive);
            EXPECT(arch::is_add_to_x18(*start));
            ASSERT(commit != out_of_line.end());
            const auto length = static_cast<std::size_t>(commit - out_of_line.begin());
            expect_restarts(out_of_line.first(length + 2), length);
        }
    });
}

PERCIVAL_TEST(emitted_in_line, a_pc_outside_the_text_or_after_a_load_is_not_restarted)
{
    for (const u64 pc : {u64{0}, u64{4}, ~u64{3}, address_of(_text).raw(), address_of(_etext).raw() + 4,
                         address_of(_text).raw() + 4, address_in(body_of(kAccesses[0]), 1)})
        EXPECT_EQ(restarted_from(pc), pc);
}

// The search in the table relies on its order (INV-restart-2).
PERCIVAL_TEST(emitted_in_line, the_table_of_restartable_sequences_is_in_order)
{
    u64 end = address_of(arch::__start_percpu_op_text).raw();
    for (const arch::Restartable& sequence : all_restartable()) {
        EXPECT(sequence.begin() >= end && sequence.length >= 8);
        end = sequence.begin() + sequence.length;
    }
    EXPECT(end <= address_of(arch::__stop_percpu_op_text).raw());
    EXPECT_EQ(end != address_of(arch::__start_percpu_op_text).raw(), kIsRestart);
}

// --- Fixup mode

// The note is the immediate of the first instruction (INV-fixup-1).
void expect_note_first_and_clear_last(const Loop& loop, bool adds)
{
    const auto body = body_of(loop);
    const auto read =
        std::ranges::find_if(body, [](u32 word) { return word == read_distance_into(word & 31); });
    ASSERT(read != body.end() && read - body.begin() >= 2 && body.end() - read >= (adds ? 4 : 3));
    const u32* const code = &*read - 2;
    const arch::PercpuNote note{static_cast<u16>(code[0] >> 5)};
    EXPECT_EQ(note.distance(), *read & 31);
    const u32 thread = (code[1] >> 5) & 31;
    EXPECT_EQ(code[1], 0x7900'1000u | thread << 5 | (code[0] & 31)); // strh of the note
    if (adds)
        EXPECT_EQ(code[3], 0x8b00'0000u | note.distance() << 16 | note.address() << 5 | note.sum());
    EXPECT_EQ(code[adds ? 5 : 4], 0x7900'101fu | thread << 5); // strh of wzr
    EXPECT(thread != note.address() && thread != note.distance() && thread != note.sum());
    EXPECT(note.address() != note.distance() && note.distance() != note.sum() &&
           note.sum() != note.address());
}

PERCIVAL_TEST(emitted_in_line, a_fixup_sequence_notes_its_registers_first_and_clears_the_note_last)
{
    SKIP_WITH_PERCPU_SHADOW();
    if (!kIsFixup)
        SKIP("the build has no fixup mode");
    for (const Loop& loop : kAtomics)
        expect_note_first_and_clear_last(loop, true);
    for (const Loop& loop : kAccesses)
        expect_note_first_and_clear_last(loop, false);
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Checks the code that really runs, read back from memory after patching: an operation in a loop takes one
// instruction per turn. emitted_in_line_test.cpp takes the place of this file in a build of one mode.
#include "arch/debug/instruction.hpp"
#include "arch/percpu/access.hpp"
#include "arch/percpu_modes/alternatives.hpp"
#include "arch/percpu_modes/fixup.hpp"
#include "arch/percpu_modes/restart.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "tests/kernel/support/emitted_code.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

#include <algorithm>
#include <span>

namespace percival {
namespace {

using arch::PercpuMode;

PERCIVAL_PERCPU PerCpu<u64> counter{};

struct Item {
    Item* next;
};
PERCIVAL_PERCPU PerCpu<Item*> published{};

// Pushes `item` onto this CPU's list.
[[gnu::noinline]] void publish(Item& item)
{
    Item* first = nullptr;
    do {
        item.next = first;
    } while (!published.try_cmpxchg_release(first, &item));
}

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

[[gnu::noinline]] u64 read_static_in_a_loop(u64 turns)
{
    u64 sum = 0;
#pragma clang loop unroll(disable)
    for (u64 turn = 0; turn < turns; ++turn)
        sum += this_cpu<counter>.read();
    return sum;
}

PERCIVAL_PERCPU PerCpu<u64> end_of_sequence{};

// Instructions of a fixup sequence that one in line would not need: the read of the thread pointer, which a
// loop needs once, and the branch back.
constexpr std::size_t kFixupOutOfLine = 2;

constexpr u64 kErratumPage = 4096; // for every granule

// Contains the sequence of Cortex-A53's erratum 843419: an ADRP eight bytes before the end of a page, a load,
// and a load through the ADRP's register. The last load is a site, and the linker moves it into a veneer.
[[gnu::noinline, gnu::section(".text.erratum_843419"), gnu::aligned(kErratumPage)]] u64 read_end_of_sequence()
{
    u64 page, value;
    arch::PercpuScratch scratch;
    asm volatile("b 9f\n"
                 ".org %c[end] - 8\n"
                 "9: adrp %[page], %[symbol]\n"
                 "ldr xzr, [sp]\n" PERCIVAL_PERCPU_STATIC_ACCESS(PERCIVAL_LOAD, "", "x")
                 : [page] "=&r"(page), [value] "=r"(value), PERCIVAL_PERCPU_SCRATCH
                 : [symbol] "S"(&end_of_sequence), [end] "i"(kErratumPage)
                 : "memory");
    return value;
}

// Returns the number of FEAT_LSE atomics in `code`.
u32 atomics_in(std::span<const u32> code)
{
    return static_cast<u32>(std::ranges::count_if(code, &arch::is_lse_atomic));
}

// Expects that the sequence starts over from every instruction up to the one that commits, and from none
// after it.
void expect_restarts(std::span<const u32> sequence, std::size_t commit)
{
    // SAFETY: the address serves as a number.
    const auto pc = [&](std::size_t n) { return reinterpret_cast<u64>(sequence.data() + n); };
    for (std::size_t n = 0; n < sequence.size(); ++n)
        EXPECT_EQ(arch::restarted(pc(n)), n <= commit ? pc(0) : pc(n));
}

PERCIVAL_TEST(emitted_code, add_in_a_loop_is_one_instruction_per_turn_in_every_mode)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_percpu_mode([](PercpuMode mode) {
        const auto loop = loop_in(reinterpret_cast<const void*>(&add_in_a_loop));
        EXPECT_EQ(loop.size(), 2u); // the site and the count-down
        const bool in_place = mode == PercpuMode::Local && runs_lse();
        EXPECT(in_place ? arch::is_lse_atomic(loop[0]) : arch::branch_offset(loop[0]).has_value());
        EXPECT_EQ(atomics_in(executed_at(loop.data())), runs_lse() ? 1u : 0u);
        add_in_a_loop(1);
    });
}

PERCIVAL_TEST(emitted_code, the_operation_that_publishes_a_pointer_is_a_store_release_in_every_form)
{
    for_each_percpu_mode([](PercpuMode mode) {
        for_each_kind_of_atomics(mode, [](PercpuMode) {
            Item item{};
            publish(item);
            published.write(nullptr);
            EXPECT_EQ(releases_in(loop_in(reinterpret_cast<const void*>(&publish))), 1u);
            EXPECT_EQ(releases_in(loop_in(reinterpret_cast<const void*>(&mm::put_freed))), 1u);
        });
    });
}

PERCIVAL_TEST(emitted_code, add_in_restart_mode_adds_the_distance_and_commits_in_four_instructions)
{
    SKIP_WITH_PERCPU_SHADOW();
    const InPercpuForm restart{PercpuMode::Restart};
    const auto code = executed_at(loop_in(reinterpret_cast<const void*>(&add_in_a_loop)).data());
    EXPECT_EQ(1 + code.size(), runs_lse() ? 4u : 7u); // the branches to the sequence and back included
    EXPECT(arch::is_add_to_x18(code[0]));
    EXPECT_EQ(arch::is_lse_atomic(code[1]), runs_lse());
    expect_restarts(code, runs_lse() ? 1 : 3); // with LL/SC the STXR commits
}

// The note is the second instruction's immediate, and the sum is made by the fifth
// (arch/percpu/site.hpp, INV-fixup-1).
PERCIVAL_TEST(emitted_code, add_in_fixup_mode_notes_its_registers_first_and_clears_the_note_last)
{
    SKIP_WITH_PERCPU_SHADOW();
    const InPercpuForm fixup{PercpuMode::Fixup};
    const auto code = executed_at(loop_in(reinterpret_cast<const void*>(&add_in_a_loop)).data());
    EXPECT_EQ(code.size(), kFixupOutOfLine + (runs_lse() ? 6 : 10));
    const arch::PercpuNote note{static_cast<u16>(code[1] >> 5)};
    const u32 thread = code[0] & 31;
    EXPECT_EQ(code[0], 0xd538'4100u | thread);                       // mrs, sp_el0
    EXPECT_EQ(code[2], 0x7900'1000u | thread << 5 | (code[1] & 31)); // strh of the note
    EXPECT_EQ(code[code.size() - 2], 0x7900'101fu | thread << 5);    // strh of wzr
    EXPECT(thread != note.address() && thread != note.distance() && thread != note.sum());
    EXPECT(note.address() != note.distance() && note.distance() != note.sum() &&
           note.sum() != note.address());
    EXPECT_EQ(code[3], read_distance_into(note.distance()));
    EXPECT_EQ(code[4], 0x8b00'0000u | note.distance() << 16 | note.address() << 5 | note.sum()); // add
    EXPECT_EQ(arch::is_lse_atomic(code[5]), runs_lse());
    for (const u32& instruction : code)
        EXPECT_EQ(arch::restarted(address_of(&instruction).raw()), address_of(&instruction).raw());
}

PERCIVAL_TEST(emitted_code, add_in_guarded_mode_takes_no_more_than_fourteen_instructions)
{
    SKIP_WITH_PERCPU_SHADOW();
    const InPercpuForm guarded{PercpuMode::Guarded};
    const auto code = executed_at(loop_in(reinterpret_cast<const void*>(&add_in_a_loop)).data());
    // The count includes the branch to the sequence.
    EXPECT(!code.empty() && 1 + code.size() <= (runs_lse() ? 14u : 17u));
    // No instruction of a guarded sequence makes it start over; the first continues where it is.
    expect_restarts(code.first(1), 0);
    EXPECT_EQ(arch::restarted(reinterpret_cast<u64>(&code[6])), reinterpret_cast<u64>(&code[6]));
}

PERCIVAL_TEST(emitted_code, read_in_a_loop_is_one_load_per_turn_in_every_mode)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_percpu_mode([](PercpuMode mode) {
        const auto loop = loop_in(reinterpret_cast<const void*>(&read_in_a_loop));
        EXPECT_EQ(loop.size(), 3u); // the site, the sum, and the count-down
        const auto site = std::ranges::find_if(loop, [mode](u32 instruction) {
            const bool in_place = mode == PercpuMode::Local || mode == PercpuMode::Restart;
            return in_place ? arch::is_load(instruction) : arch::branch_offset(instruction).has_value();
        });
        EXPECT(site != loop.end());
        const auto code = executed_at(&*site);
        switch (mode) {
        case PercpuMode::Local:
            EXPECT_EQ(code.size(), 1u);
            break;
        case PercpuMode::Restart:
            EXPECT_EQ(code.size(), 1u);
            EXPECT(arch::is_access_from_x18(code[0]));
            break;
        case PercpuMode::Fixup:
            EXPECT_EQ(code.size(), kFixupOutOfLine + 5);
            EXPECT(arch::is_load(code[4]));
            break;
        case PercpuMode::Guarded:
            EXPECT(code.size() <= 12);
            break;
        }
        EXPECT_EQ(read_in_a_loop(0), 0u);
    });
}

PERCIVAL_TEST(emitted_code, read_of_a_static_variable_in_a_loop_is_one_load_or_a_short_sequence)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_percpu_mode([](PercpuMode mode) {
        const auto loop = loop_in(reinterpret_cast<const void*>(&read_static_in_a_loop));
        EXPECT_EQ(loop.size(), 3u); // the site, the sum, and the count-down
        const auto site = std::ranges::find_if(loop, [mode](u32 instruction) {
            return mode == PercpuMode::Local ? arch::is_load(instruction)
                                             : arch::branch_offset(instruction).has_value();
        });
        EXPECT(site != loop.end());
        const auto code = executed_at(&*site);
        if (mode == PercpuMode::Restart) {
            EXPECT_EQ(1 + code.size(), 4u); // the branches to the sequence and back included
            EXPECT(arch::is_add_to_x18(code[0]) && arch::is_load(code[1]));
            expect_restarts(code, 1);
        }
        if (mode == PercpuMode::Fixup)
            EXPECT_EQ(code.size(), kFixupOutOfLine + 6); // its address needs an add
        EXPECT(code.size() <= 13);
        EXPECT_EQ(read_static_in_a_loop(0), 0u);
    });
}

PERCIVAL_TEST(emitted_code, every_site_has_the_instruction_of_the_chosen_form)
{
    for_each_percpu_mode([](PercpuMode) {
        EXPECT(!all_alternatives().empty());
        EXPECT_EQ(count_wrong_sites(), 0u);
    });
}

// The test makes two rounds, because on CPUs without FEAT_LSE the first round finds local mode as it was
// linked.
PERCIVAL_TEST(emitted_code, a_load_that_the_linker_moved_into_a_veneer_stays_there)
{
    const auto* const site = reinterpret_cast<const u32*>(&read_end_of_sequence) + kErratumPage / sizeof(u32);
    for (u32 round = 0; round < 2; ++round) {
        for_each_percpu_mode([site](PercpuMode mode) {
            EXPECT(arch::branch_offset(*site).has_value());
            const auto code = executed_at(site);
            const bool in_veneer = code.size() == 2 && arch::is_load(code[0]); // the load and the branch back
            EXPECT_EQ(in_veneer, mode == PercpuMode::Local);
            run_everywhere([](CpuId cpu) {
                end_of_sequence.on(cpu) = 1 + cpu.index();
                EXPECT_EQ(read_end_of_sequence(), 1 + cpu.index());
            });
        });
    }
}

PERCIVAL_TEST(emitted_code, an_add_without_result_is_ldadd_stadd_or_llsc)
{
    SKIP_WITH_PERCPU_SHADOW();
    if (!arch::percpu_form().lse)
        SKIP("the CPUs have no FEAT_LSE");
    for_each_percpu_mode([](PercpuMode mode) {
        const u32* const site = loop_in(reinterpret_cast<const void*>(&add_in_a_loop)).data();
        for (const auto add : {arch::AddForm::StoreAdd, arch::AddForm::LlSc, arch::AddForm::LoadAdd}) {
            const InPercpuForm in_form{{mode, true, add}};
            const auto code = executed_at(site);
            const auto atomic = std::ranges::find_if(code, &arch::is_lse_atomic);
            EXPECT_EQ(atomic == code.end(), add == arch::AddForm::LlSc);
            if (atomic != code.end())
                EXPECT_EQ((*atomic & 31) == 31, add == arch::AddForm::StoreAdd);
            const u64 old = counter.read();
            add_in_a_loop(5);
            EXPECT(online_cpu_count() > 1 || counter.read() == old + 5);
        }
    });
}

// restarted() relies on the order when it searches the table (INV-restart-2).
PERCIVAL_TEST(emitted_code, the_table_of_restartable_sequences_is_in_order)
{
    u64 end = reinterpret_cast<u64>(arch::__start_percpu_op_text);
    for (const arch::Restartable& sequence : all_restartable()) {
        EXPECT(sequence.begin() >= end && sequence.length >= 8);
        end = sequence.begin() + sequence.length;
    }
    EXPECT(end <= reinterpret_cast<u64>(arch::__stop_percpu_op_text));
}

} // namespace
} // namespace percival

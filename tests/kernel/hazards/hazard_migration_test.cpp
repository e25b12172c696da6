// SPDX-License-Identifier: BSD-2-Clause
// Moves a thread to another CPU before each instruction of a this_cpu operation in turn. In every mode the
// operation takes effect once, on the CPU on which it commits. The controls compute a global address and then
// use it without protection, so they change the copy of a CPU that the thread has left.
//
// The tests are deterministic: the function of a hardware breakpoint requests the move, and the exception
// return makes it.
#include "arch/debug/instruction.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/moved_operation.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

#include <algorithm>

namespace percival {
namespace {

using arch::PercpuMode;

constexpr u64 kStart = 40, kChanged = 41;

PERCIVAL_PERCPU PerCpu<u64> variable{};

// Each operation changes kStart to kChanged.
[[gnu::noinline]] void add_one()
{
    variable.add(1);
}

[[gnu::noinline]] void write_tag()
{
    variable.write(kChanged);
}

[[gnu::noinline]] void write_tag_static()
{
    this_cpu<variable>.write(kChanged);
}

[[gnu::noinline]] void exchange()
{
    asm volatile("" : : "r"(variable.xchg(kChanged)));
}

[[gnu::noinline]] void compare_exchange()
{
    asm volatile("" : : "r"(variable.cmpxchg(kStart, kChanged)));
}

// Both halves of the pair change.
PERCIVAL_PERCPU PerCpu<arch::PercpuPair> pair{};

[[gnu::noinline]] void exchange_pair()
{
    pair.cmpxchg({kStart, ~kStart}, {kChanged, ~kChanged});
}

// The controls: operations without protection.
[[gnu::noinline]] void add_one_unprotected()
{
    u64 global, value;
    asm volatile(PERCIVAL_READ_DISTANCE("%[global]") "add %[global], %[global], %[address]\n"
                                                     "ldr %[value], [%[global]]\n"
                                                     "add %[value], %[value], #1\n"
                                                     "str %[value], [%[global]]"
                 : [global] "=&r"(global), [value] "=&r"(value)
                 : [address] "r"(variable.local_address().raw())
                 : "memory");
}

[[gnu::noinline]] void write_tag_unprotected()
{
    u64 global;
    asm volatile(PERCIVAL_READ_DISTANCE("%[global]") "str %[value], [%[global], %[address]]"
                 : [global] "=&r"(global)
                 : [address] "r"(variable.local_address().raw()), [value] "r"(kChanged)
                 : "memory");
}

struct Outcome {
    bool hit;
    bool moved;
    bool changed_from;
    bool changed_to;
};

bool is_changed(CpuId cpu)
{
    return variable.on(cpu) == kChanged || pair.on(cpu) == arch::PercpuPair{kChanged, ~kChanged};
}

// Runs `operation` on the first CPU and moves the thread to the second before it executes `instruction`.
Outcome run_moved_before(const u32* instruction, void (*operation)())
{
    for (const CpuId cpu : {kFrom, kTo}) {
        variable.on(cpu) = kStart;
        pair.on(cpu) = {kStart, ~kStart};
    }
    const Move move = move_before(instruction, operation);
    return {move.hit, move.moved, is_changed(kFrom), is_changed(kTo)};
}

struct Tally {
    u32 places{0};             // instructions before which the thread was moved
    u32 on_first{0};           // runs that changed the copy of the first CPU
    u32 on_second{0};          // runs that changed the copy of the CPU to which the thread was moved
    u32 not_once{0};           // runs that changed neither copy or both
    u32 second_after_first{0}; // runs that changed the second copy although an earlier move came too late
};

// Runs `operation` once for each of its instructions, and moves the thread before that instruction.
Tally move_everywhere(void (*operation)())
{
    Tally tally;
    for (const u32* instruction : executed_by(operation)) {
        const Outcome outcome = run_moved_before(instruction, operation);
        if (!outcome.hit)
            continue;
        EXPECT(outcome.moved);
        ++tally.places;
        tally.not_once += outcome.changed_from == outcome.changed_to;
        tally.on_first += outcome.changed_from;
        tally.on_second += outcome.changed_to;
        tally.second_after_first += outcome.changed_to && tally.on_first != 0;
    }
    return tally;
}

// Returns whether `instruction` may be the one that commits an operation.
bool commits(u32 instruction)
{
    return arch::is_lse_atomic(instruction) || arch::is_store_exclusive(instruction) ||
           arch::is_plain_store(instruction);
}

// Returns whether `instruction` clears the note of a fixup sequence: STRH WZR, [thread, #8].
bool clears_note(u32 instruction)
{
    return (instruction & 0xffff'fc1f) == 0x7900'101f;
}

// Returns before how many instructions a move takes the effect to the second CPU: before the instruction that
// commits and before each earlier one. A guarded operation cannot be moved any more after its first store,
// which stores the count. The first store of a fixup operation stores the note.
u32 places_before_commit(void (*operation)(), PercpuMode mode)
{
    const Instructions code = executed_by(operation);
    const auto is_store = [](const u32* instruction) { return arch::is_plain_store(*instruction); };
    const auto is_commit = [](const u32* instruction) {
        return commits(*instruction) && !clears_note(*instruction);
    };
    const auto first_store = std::ranges::find_if(code.span(), is_store);
    const auto last = mode == PercpuMode::Guarded ? first_store
                      : mode == PercpuMode::Fixup
                          ? std::find_if(first_store + 1, code.span().end(), is_commit)
                          : std::ranges::find_if(code.span(), is_commit);
    return static_cast<u32>(last - code.span().begin()) + 1;
}

void check(PercpuMode mode)
{
    for (const auto operation :
         {&add_one, &write_tag, &write_tag_static, &exchange, &compare_exchange, &exchange_pair}) {
        const SilentTick silent;
        const Tally tally = move_everywhere(operation);
        EXPECT_EQ(tally.not_once, 0u);
        EXPECT_EQ(tally.second_after_first, 0u);
        EXPECT_EQ(tally.on_second, places_before_commit(operation, mode));
    }
}

// Tests the mode in which the kernel was booted.
PERCIVAL_TEST(hazard_migration, an_operation_moved_at_any_instruction_changes_the_copy_where_it_commits)
{
    SKIP_WITH_PERCPU_SHADOW();
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] { for_each_kind_of_atomics(arch::percpu_form().mode, &check); });
}

// A move changes the wrong copy between the instruction that reads the distance and the one that uses it.
PERCIVAL_TEST(hazard_migration, a_move_within_an_unprotected_sequence_changes_another_cpus_copy)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        const SilentTick silent;
        for (const auto operation : {&add_one_unprotected, &write_tag_unprotected}) {
            const Tally tally = move_everywhere(operation);
            EXPECT_EQ(tally.not_once, 0u);
            EXPECT(tally.on_second < places_before_commit(operation, PercpuMode::Local));
        }
    });
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Interrupts an operation before each of its instructions in turn by an operation on the same variable. Both
// take effect, wherever the interruption comes. The tests are deterministic: a hardware breakpoint stands in
// for the interrupt.
#include "arch/debug/breakpoint.hpp"
#include "arch/debug/instruction.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u8> variable_u8{};
PERCIVAL_PERCPU PerCpu<u16> variable_u16{};
PERCIVAL_PERCPU PerCpu<u32> variable_u32{};
PERCIVAL_PERCPU PerCpu<u64> variable_u64{};

template <class T>
PerCpu<T>& variable()
{
    if constexpr (sizeof(T) == 1)
        return variable_u8;
    else if constexpr (sizeof(T) == 2)
        return variable_u16;
    else if constexpr (sizeof(T) == 4)
        return variable_u32;
    else
        return variable_u64;
}

using Instructions = BoundedVector<const u32*, 128>;

bool is_return(u32 instruction)
{
    constexpr u32 kRet = 0xd65f'03c0, kRetaa = 0xd65f'0bff;
    return instruction == kRet || instruction == kRetaa;
}

// Adds all instructions of a function to `found`, the sequences it branches to included. The search begins at
// `code`.
void collect(const u32* code, const u32* function, Instructions& found)
{
    for (;; ++code) {
        if (!found.push(code) || is_return(*code))
            return;
        const auto offset = arch::branch_offset(*code);
        if (!offset)
            continue;
        const u32* target = code + *offset;
        if (target >= function && target < function + 64)
            return; // the branch back at the end of a sequence
        collect(target, function, found);
    }
}

// Each function applies one operation and returns nothing, so that only the variable's value is the result.
template <class T>
[[gnu::noinline]] void add_one()
{
    variable<T>().add(1);
}

template <class T>
[[gnu::noinline]] void add_one_by_compare_exchange()
{
    T value = variable<T>().read();
    while (!variable<T>().try_cmpxchg(value, static_cast<T>(value + 1))) {
    }
}

// Sets the variable to `start`, interrupts `operation` by `interruption`, and expects the value `expected`
// after both. Does so before each instruction of `operation`.
template <class T>
void interrupt_everywhere(void (*operation)(), void (*interruption)(), T start, T expected)
{
    // SAFETY: a function's address is that of its first instruction, and the text may be read.
    const auto* function = reinterpret_cast<const u32*>(operation);
    Instructions instructions;
    collect(function, function, instructions);
    u32 hits = 0;
    for (const u32* instruction : instructions) {
        variable<T>().write(start);
        bool hit;
        {
            const arch::Breakpoint breakpoint{address_of(instruction), interruption};
            operation();
            hit = breakpoint.was_hit();
        }
        // Only the instructions after a failed comparison are not executed.
        if (hit) {
            ++hits;
            EXPECT_EQ(variable<T>().read(), expected);
        }
    }
    EXPECT(hits >= 4);
}

template <class T>
void check_add()
{
    interrupt_everywhere<T>(&add_one<T>, &add_one<T>, static_cast<T>(~T{0}), T{1});
}

template <class T>
void check_compare_exchange()
{
    interrupt_everywhere<T>(&add_one_by_compare_exchange<T>, &add_one<T>, static_cast<T>(~T{0}), T{1});
}

PERCIVAL_TEST(interrupted_operation, an_add_within_an_add_of_any_width_loses_neither)
{
    check_add<u8>();
    check_add<u16>();
    check_add<u32>();
    check_add<u64>();
}

PERCIVAL_TEST(interrupted_operation, an_add_within_a_compare_exchange_of_any_width_loses_neither)
{
    check_compare_exchange<u8>();
    check_compare_exchange<u16>();
    check_compare_exchange<u32>();
    check_compare_exchange<u64>();
}

// The other operations: bits set and cleared by both, and an exchange interrupted by another exchange.
[[gnu::noinline]] void set_low_bit()
{
    variable_u32.or_(1);
}

[[gnu::noinline]] void set_high_bit()
{
    variable_u32.or_(0x8000'0000);
}

[[gnu::noinline]] void clear_low_bit()
{
    variable_u32.and_(~u32{1});
}

PERCIVAL_TEST(interrupted_operation, bits_set_within_a_set_or_a_clear_are_kept)
{
    interrupt_everywhere<u32>(&set_low_bit, &set_high_bit, 0, 0x8000'0001);
    interrupt_everywhere<u32>(&clear_low_bit, &set_high_bit, 1, 0x8000'0000);
}

constinit u64 taken = 0;
constinit u64 taken_by_interrupt = 0;

[[gnu::noinline]] void take()
{
    taken = variable_u64.xchg(0);
}

[[gnu::noinline]] void take_in_interrupt()
{
    taken_by_interrupt = variable_u64.xchg(0);
}

PERCIVAL_TEST(interrupted_operation, an_exchange_within_an_exchange_takes_the_value_once)
{
    // SAFETY: a function's address is that of its first instruction, and the text may be read.
    const auto* function = reinterpret_cast<const u32*>(&take);
    Instructions instructions;
    collect(function, function, instructions);
    u32 taken_first_by_each[2] = {0, 0};
    for (const u32* instruction : instructions) {
        variable_u64.write(7);
        taken_by_interrupt = 0;
        {
            const arch::Breakpoint breakpoint{address_of(instruction), &take_in_interrupt};
            take();
        }
        EXPECT_EQ(taken + taken_by_interrupt, 7u);
        ++taken_first_by_each[taken == 0 ? 0 : 1];
    }
    EXPECT(taken_first_by_each[0] > 0 && taken_first_by_each[1] > 0);
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Compares every this_cpu operation at every width, signed and unsigned, with plain arithmetic, and checks
// that the neighbours of the variable do not change.
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/this_cpu.hpp"

#include <algorithm>
#include <limits>

namespace percival {
namespace {

constexpr u8 kCanary = 0xa5;

// A variable between bytes of other variables.
template <class T>
struct Guarded {
    PerCpu<u8> before[sizeof(T)];
    PerCpu<T> variable;
    PerCpu<u8> after[sizeof(T)];

    void set_canaries()
    {
        for_each_canary([](PerCpu<u8>& canary) { canary.write(kCanary); });
    }
    void expect_canaries()
    {
        for_each_canary([](PerCpu<u8>& canary) { EXPECT_EQ(canary.read(), kCanary); });
    }

private:
    template <class Visit>
    void for_each_canary(Visit visit)
    {
        std::ranges::for_each(before, visit);
        std::ranges::for_each(after, visit);
    }
};

PERCIVAL_PERCPU Guarded<u8> guarded_u8{};
PERCIVAL_PERCPU Guarded<u16> guarded_u16{};
PERCIVAL_PERCPU Guarded<u32> guarded_u32{};
PERCIVAL_PERCPU Guarded<u64> guarded_u64{};
PERCIVAL_PERCPU Guarded<s8> guarded_s8{};
PERCIVAL_PERCPU Guarded<s16> guarded_s16{};
PERCIVAL_PERCPU Guarded<s32> guarded_s32{};
PERCIVAL_PERCPU Guarded<s64> guarded_s64{};

template <class T>
constexpr T kValues[] = {T{0},
                         T{1},
                         T{2},
                         static_cast<T>(~T{0}),
                         std::numeric_limits<T>::max(),
                         std::numeric_limits<T>::min(),
                         static_cast<T>(std::numeric_limits<T>::max() - 1),
                         static_cast<T>(0x5a5a'a5a5'1234'8765)};

// Returns the reference result of an addition, which wraps as the operations do.
template <class T>
T wrapped_sum(T a, T b)
{
    return static_cast<T>(static_cast<u64>(a) + static_cast<u64>(b));
}

template <class T>
class OperationCheck {
public:
    explicit OperationCheck(Guarded<T>& guarded) : guarded_{guarded}, variable_{guarded.variable} {}

    void run()
    {
        guarded_.set_canaries();
        for (const T start : kValues<T>) {
            for (const T operand : kValues<T>)
                check(start, operand);
        }
        guarded_.expect_canaries();
    }

private:
    // Sets the variable to `start`, applies the operation, and expects `result` in the variable.
    template <class Operation>
    void expect_result(T start, T result, Operation operation)
    {
        variable_.write(start);
        operation();
        EXPECT_EQ(variable_.read(), result);
    }

    void check(T start, T operand)
    {
        const T negated = static_cast<T>(u64{0} - static_cast<u64>(operand));
        const T sum = wrapped_sum(start, operand);
        expect_result(start, start, [] {});
        expect_result(start, sum, [&] { variable_.add(operand); });
        expect_result(start, wrapped_sum(start, negated), [&] { variable_.sub(operand); });
        expect_result(start, wrapped_sum(start, T{1}), [&] { variable_.inc(); });
        expect_result(start, wrapped_sum(start, static_cast<T>(~T{0})), [&] { variable_.dec(); });
        expect_result(start, sum, [&] { EXPECT_EQ(variable_.add_return(operand), sum); });
        expect_result(start, static_cast<T>(start & operand), [&] { variable_.and_(operand); });
        expect_result(start, static_cast<T>(start | operand), [&] { variable_.or_(operand); });
        expect_result(start, operand, [&] { EXPECT_EQ(variable_.xchg(operand), start); });
        check_compare_exchange(start, operand);
    }

    void check_compare_exchange(T start, T operand)
    {
        const T other = static_cast<T>(start ^ T{1});
        expect_result(start, operand, [&] { EXPECT_EQ(variable_.cmpxchg(start, operand), start); });
        expect_result(start, start, [&] { EXPECT_EQ(variable_.cmpxchg(other, operand), start); });
        expect_result(start, operand, [&] {
            T expected = start;
            EXPECT(variable_.try_cmpxchg(expected, operand));
            EXPECT_EQ(expected, start);
        });
        expect_result(start, start, [&] {
            T expected = other;
            EXPECT(!variable_.try_cmpxchg(expected, operand));
            EXPECT_EQ(expected, start);
        });
    }

    Guarded<T>& guarded_;
    PerCpu<T>& variable_;
};

template <class T>
void check_on_every_cpu(Guarded<T>& guarded)
{
    run_everywhere([&guarded](CpuId) { OperationCheck<T>{guarded}.run(); });
}

PERCIVAL_TEST(this_cpu, u8_operations_match_arithmetic_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_u8);
}

PERCIVAL_TEST(this_cpu, u16_operations_match_arithmetic_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_u16);
}

PERCIVAL_TEST(this_cpu, u32_operations_match_arithmetic_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_u32);
}

PERCIVAL_TEST(this_cpu, u64_operations_match_arithmetic_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_u64);
}

PERCIVAL_TEST(this_cpu, s8_operations_wrap_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_s8);
}

PERCIVAL_TEST(this_cpu, s16_operations_wrap_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_s16);
}

PERCIVAL_TEST(this_cpu, s32_operations_wrap_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_s32);
}

PERCIVAL_TEST(this_cpu, s64_operations_wrap_and_spare_their_neighbours)
{
    check_on_every_cpu(guarded_s64);
}

// One word that serves as a u64, two u32, four u16 and eight u8. Operations of each width read the values
// that operations of the others wrote.
PERCIVAL_PERCPU PerCpu<u64> mixed{};

template <class T>
PerCpu<T>& part(u64 index)
{
    // SAFETY: the operations are assembly on the variable's address, and `index` stays within the word.
    return reinterpret_cast<PerCpu<T>*>(&mixed)[index];
}

PERCIVAL_TEST(this_cpu, operations_of_all_widths_work_on_parts_of_one_word)
{
    run_everywhere([](CpuId) {
        mixed.write(0);
        part<u8>(7).add(0xff);
        part<u8>(7).add(2); // wraps to 1 without a carry out of the byte
        part<u16>(2).or_(0x8001);
        part<u32>(0).add(0xffff'ffff);
        part<u32>(0).add(0x11); // no carry into the upper half
        part<u8>(0).xchg(0x42);
        part<u16>(1).and_(0xfff0);
        EXPECT_EQ(mixed.read(), 0x0100'8001'0000'0042u);
        mixed.add(u64{1} << 40);
        EXPECT_EQ(part<u8>(5).read(), 0x81u);
    });
}

template <auto& Guarded>
void check_static_accesses()
{
    using T = std::remove_reference_t<decltype(Guarded.variable)>::Value;
    for (const T value : kValues<T>) {
        Guarded.set_canaries();
        this_cpu<Guarded.variable>.write(value);
        EXPECT_EQ(Guarded.variable.read(), value);
        Guarded.variable.write(static_cast<T>(~value));
        EXPECT_EQ(this_cpu<Guarded.variable>.read(), static_cast<T>(~value));
        Guarded.expect_canaries();
    }
}

PERCIVAL_TEST(this_cpu, accesses_to_a_static_variable_of_any_width_spare_its_neighbours)
{
    run_everywhere([](CpuId) {
        check_static_accesses<guarded_u8>();
        check_static_accesses<guarded_u16>();
        check_static_accesses<guarded_u32>();
        check_static_accesses<guarded_u64>();
        check_static_accesses<guarded_s8>();
        check_static_accesses<guarded_s16>();
        check_static_accesses<guarded_s32>();
        check_static_accesses<guarded_s64>();
    });
}

enum class Colour : u8 { Red, Green };
PERCIVAL_PERCPU PerCpu<Colour> colour{};
PERCIVAL_PERCPU PerCpu<const char*> text{};
PERCIVAL_PERCPU PerCpu<bool> flag{};

PERCIVAL_TEST(this_cpu, enumerations_pointers_and_bools_can_be_read_written_and_exchanged)
{
    static const char kText[] = "text";
    colour.write(Colour::Red);
    EXPECT(colour.cmpxchg(Colour::Red, Colour::Green) == Colour::Red);
    EXPECT(colour.read() == Colour::Green);
    EXPECT(text.xchg(kText) == nullptr);
    EXPECT(text.xchg(nullptr) == kText);
    EXPECT(!flag.xchg(true));
    EXPECT(flag.xchg(false));
}

} // namespace
} // namespace percival

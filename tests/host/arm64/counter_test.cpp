// SPDX-License-Identifier: BSD-2-Clause
// Tests reads of a counter with an erratum on a counter whose every read is written down.
#include "arch/arm64/include/arch/devices/counter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace percival::arch {
namespace {

// Returns the script's values one after the other; after the last one, counts on from it.
class ScriptedCounter {
public:
    explicit ScriptedCounter(std::vector<u64> script) : script_{std::move(script)} {}
    u64 operator()()
    {
        const u64 at = reads++;
        return at < script_.size() ? script_[at] : script_.back() + 100 * (at - script_.size() + 1);
    }
    u64 reads{0};

private:
    std::vector<u64> script_;
};

u64 count(CounterErrata errata, ScriptedCounter& counter)
{
    return safe_count(errata, [&counter] { return counter(); });
}

u64 count(CounterErratum erratum, std::vector<u64> script)
{
    ScriptedCounter counter{std::move(script)};
    return count(CounterErrata{erratum, false}, counter);
}

TEST(Counter, without_an_erratum_is_read_once)
{
    ScriptedCounter counter{{17, 18}};
    EXPECT_EQ(count(CounterErrata{}, counter), 17u);
    EXPECT_EQ(counter.reads, 1u);
}

TEST(Counter, of_a008585_counts_when_two_reads_in_a_row_agree)
{
    EXPECT_EQ(count(CounterErratum::FslA008585, {0xfff, 0xfff}), 0xfffu);
    EXPECT_EQ(count(CounterErratum::FslA008585, {0xfff, 0x1fff, 0x1000, 0x1000}), 0x1000u);
    EXPECT_EQ(count(CounterErratum::FslA008585, {0xfff, 0x1fff, 0xfff, 0x1000, 0x1000, 0x1001}), 0x1000u);
}

TEST(Counter, of_161010101_counts_when_the_second_read_is_near_the_first)
{
    EXPECT_EQ(count(CounterErratum::Hisilicon161010101, {100, 131}), 131u);
    EXPECT_EQ(count(CounterErratum::Hisilicon161010101, {100, 132, 110, 112}), 112u);
    EXPECT_EQ(count(CounterErratum::Hisilicon161010101, {100, 99, 102, 103}), 103u);
}

TEST(Counter, of_allwinner_counts_when_its_low_bits_are_neither_all_ones_nor_all_zeros)
{
    EXPECT_EQ(count(CounterErratum::AllwinnerUnknown1, {0x7fe}), 0x7feu);
    EXPECT_EQ(count(CounterErratum::AllwinnerUnknown1, {0x7ff, 0x000, 0x800, 0x801}), 0x801u);
    EXPECT_EQ(count(CounterErratum::AllwinnerUnknown1, {0xfff, 0x800, 0x801}), 0x801u);
}

TEST(Counter, of_cortex_a73_is_the_first_read_if_the_lower_half_rolls_over_between_two)
{
    constexpr u64 kBefore = 0x1'ffff'fffe, kAfter = 0x2'0000'0000;
    const CounterErrata a73{CounterErratum::None, true};
    ScriptedCounter rolls{{kBefore, kAfter}};
    EXPECT_EQ(count(a73, rolls), kBefore);
    ScriptedCounter torn{{kBefore, 0x2'ffff'ffff}}; // the new upper half with an old lower half
    EXPECT_EQ(count(a73, torn), kBefore);
    ScriptedCounter usual{{kAfter + 1, kAfter + 2}};
    EXPECT_EQ(count(a73, usual), kAfter + 2);
    EXPECT_EQ(usual.reads, 2u);
}

TEST(Counter, with_both_errata_settles_before_each_of_the_two_reads_counts)
{
    ScriptedCounter counter{{0x7ff, 0x801, 0x800, 0x803}};
    EXPECT_EQ(count(CounterErrata{CounterErratum::AllwinnerUnknown1, true}, counter), 0x803u);
    EXPECT_EQ(counter.reads, 4u);
}

TEST(Counter, that_never_settles_is_read_a_bounded_number_of_times)
{
    for (const CounterErratum erratum : {CounterErratum::FslA008585, CounterErratum::Hisilicon161010101,
                                         CounterErratum::AllwinnerUnknown1}) {
        u64 reads = 0;
        safe_count(CounterErrata{erratum, true}, [&reads] { return ++reads * 0x200; });
        EXPECT_GT(reads, 4u);
        EXPECT_LT(reads, 1000u);
    }
}

} // namespace
} // namespace percival::arch

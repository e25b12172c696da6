// SPDX-License-Identifier: BSD-2-Clause
// Tests Block, the summary of a block of a percpu chunk's bitmap, and the bit functions that it uses.
#include "mm/percpu_memory/block.hpp"

#include <gtest/gtest.h>

#include <array>

namespace percival::mm {
namespace {

constexpr u32 kGrains = percpu::Block::kGrains;
constexpr Bytes kPage = 64_KiB;

percpu::Request request(u32 grains, u32 alignment = 1)
{
    return *percpu::Request::of(percpu::kGrain * grains, percpu::kGrain * alignment, kPage);
}

// A block together with its bits, which it updates.
struct Block {
    void take(u32 begin, u32 end)
    {
        set_bits(bits, begin, end);
        block.take({begin, end}, bits);
    }
    percpu::GrainRun put(u32 begin, u32 end)
    {
        clear_bits(bits, begin, end);
        return block.put({begin, end}, bits);
    }

    std::array<u64, percpu::Block::kWords> bits{};
    percpu::Block block{bits};
};

TEST(PercpuBits, FindsTheFirstBitAndTheEndOfTheLastWithinLimits)
{
    std::array<u64, 4> words{};
    set_bits(words, 70, 130);
    EXPECT_EQ(find_set(words, 0, 256), 70u);
    EXPECT_EQ(find_set(words, 0, 69), 69u);
    EXPECT_EQ(find_set(words, 129, 256), 129u);
    EXPECT_EQ(find_set(words, 130, 256), 256u);
    EXPECT_EQ(find_clear(words, 70, 256), 130u);
    EXPECT_EQ(find_clear(words, 70, 100), 100u);
    EXPECT_EQ(find_set(words, 256, 256), 256u);
    EXPECT_EQ(find_end_before(words, 256, 0), 130u);
    EXPECT_EQ(find_end_before(words, 100, 0), 100u);
    EXPECT_EQ(find_end_before(words, 70, 0), 0u);
    EXPECT_EQ(find_end_before(words, 70, 65), 65u);
    EXPECT_EQ(find_end_before(words, 0, 0), 0u);
    clear_bits(words, 71, 129);
    EXPECT_EQ(words, (std::array<u64, 4>{0, u64{1} << 6, 2, 0}));
}

TEST(PercpuBits, StartsOfRunsFindsEachRunThatIsLongEnough)
{
    for (u32 length = 1; length <= 64; ++length) {
        for (u32 at = 0; at + length <= 64; ++at) {
            const u64 word = ~u64{0} >> (64 - length) << at;
            for (u32 asked = 1; asked <= 64; ++asked) {
                const u64 expected = asked > length ? 0 : ~u64{0} >> (63 - (length - asked)) << at;
                ASSERT_EQ(starts_of_runs(word, asked), expected)
                    << length << " at " << at << ", asked " << asked;
            }
        }
    }
}

TEST(PercpuBits, MultiplesInWordSetsEachMultipleOfTheAlignment)
{
    for (u32 alignment = 1; alignment < 64; alignment *= 2) {
        for (u32 bit = 0; bit < 64; ++bit)
            ASSERT_EQ(multiples_in_word(alignment) >> bit & 1, bit % alignment == 0 ? 1u : 0u);
    }
}

TEST(PercpuBlock, AnIdleBlockIsOneRun)
{
    const Block idle;
    EXPECT_TRUE(idle.block.is_idle());
    EXPECT_EQ(idle.block.left(), kGrains);
    EXPECT_EQ(idle.block.right(), kGrains);
    EXPECT_EQ(idle.block.largest(), kGrains);
    EXPECT_EQ(idle.block.first(), 0u);
}

TEST(PercpuBlock, AFullBlockHasNoFreeRun)
{
    Block full;
    full.take(0, kGrains);
    EXPECT_EQ(full.block.free(), 0u);
    EXPECT_EQ(full.block.left(), 0u);
    EXPECT_EQ(full.block.right(), 0u);
    EXPECT_EQ(full.block.largest(), 0u);
    EXPECT_EQ(full.block.first(), kGrains);
}

TEST(PercpuBlock, TakingFromTheMiddleLeavesTwoEdges)
{
    Block block;
    block.take(300, 400);
    EXPECT_EQ(block.block.left(), 300u);
    EXPECT_EQ(block.block.right(), kGrains - 400);
    EXPECT_EQ(block.block.largest(), kGrains - 400);
    EXPECT_EQ(block.block.largest_at(), 400u);
    EXPECT_EQ(block.block.first(), 0u);
}

TEST(PercpuBlock, TheLongestRunIsFoundAnewWhenItIsBrokenUp)
{
    Block block;
    block.take(0, 10);
    block.take(500, 510); // leaves 490 before it and 514 behind it
    block.take(700, 710); // splits 514 into 190 and 314, so that the run of 490 is the longest
    EXPECT_EQ(block.block.largest(), 490u);
    EXPECT_EQ(block.block.largest_at(), 10u);
    EXPECT_EQ(block.block.first(), 10u);
}

// Frees three neighbours in each order. The last put() returns the run of all three.
TEST(PercpuBlock, NeighboursFreedInEveryOrderBecomeOneRun)
{
    constexpr std::array<percpu::GrainRun, 3> kParts{{{60, 64}, {64, 200}, {200, 201}}};
    std::array<u32, 3> order{0, 1, 2};
    do {
        Block block;
        block.take(0, kGrains);
        percpu::GrainRun last{0, 0};
        for (const u32 part : order)
            last = block.put(kParts[part].begin, kParts[part].end);
        EXPECT_EQ(last, (percpu::GrainRun{60, 201}));
        EXPECT_EQ(block.block.largest(), 141u);
        EXPECT_EQ(block.block.largest_at(), 60u);
        EXPECT_EQ(block.block.first(), 60u);
        EXPECT_EQ(block.block.left(), 0u);
        EXPECT_EQ(block.block.right(), 0u);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PercpuBlock, GrainsFreedAtAnEdgeBecomeTheEdgeRun)
{
    Block block;
    block.take(0, kGrains);
    EXPECT_EQ(block.put(0, 7), (percpu::GrainRun{0, 7}));
    EXPECT_EQ(block.block.left(), 7u);
    EXPECT_EQ(block.put(kGrains - 9, kGrains), (percpu::GrainRun{kGrains - 9, kGrains}));
    EXPECT_EQ(block.block.right(), 9u);
    EXPECT_EQ(block.block.largest(), 9u);
    EXPECT_EQ(block.put(7, kGrains - 9), (percpu::GrainRun{0, kGrains}));
    EXPECT_EQ(block.block.left(), kGrains);
    EXPECT_EQ(block.block.right(), kGrains);
    EXPECT_TRUE(block.block.is_idle());
}

TEST(PercpuBlock, FindsTheFirstFitInsideAWordAndAcrossWords)
{
    Block block;
    block.take(0, kGrains);
    block.put(3, 6);     // inside a word
    block.put(126, 130); // across two words
    block.put(150, 250); // across three
    EXPECT_EQ(block.block.find(request(1), block.bits), 3u);
    EXPECT_EQ(block.block.find(request(3), block.bits), 3u);
    EXPECT_EQ(block.block.find(request(4), block.bits), 126u);
    EXPECT_EQ(block.block.find(request(5), block.bits), 150u);
    EXPECT_EQ(block.block.find(request(100), block.bits), 150u);
    EXPECT_EQ(block.block.find(request(2, 4), block.bits), 4u);
    EXPECT_EQ(block.block.find(request(3, 4), block.bits), 152u);
    EXPECT_EQ(block.block.find(request(1, 64), block.bits), 128u);
    EXPECT_EQ(block.block.find(request(64, 64), block.bits), std::nullopt);
}

} // namespace
} // namespace percival::mm

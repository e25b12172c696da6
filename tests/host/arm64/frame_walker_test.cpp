// SPDX-License-Identifier: BSD-2-Clause
// Frame records are built in arrays that stand for stacks. The sanitizer reports a read outside them.
#include "arch/arm64/include/arch/exceptions/frame_walker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace percival::arch {
namespace {

constexpr std::size_t kWords = 64;

class FrameWalkerTest : public testing::Test {
protected:
    struct alignas(16) Stack {
        std::array<u64, kWords> words{};
    };

    static VirtAddr at(const Stack& stack, std::size_t word)
    {
        return address_of(stack.words.data()) + Bytes{word * 8};
    }

    // Writes a record at `word` of `stack` whose caller's record is at `caller`.
    static void record(Stack& stack, std::size_t word, VirtAddr caller, u64 return_address)
    {
        stack.words[word] = caller.raw();
        stack.words[word + 1] = return_address;
    }

    std::vector<u64> walk(VirtAddr from)
    {
        const auto containing = [this](VirtAddr address) -> std::optional<VirtRange> {
            for (const Stack& stack : stacks_) {
                const VirtRange range{at(stack, 0), Bytes{sizeof(stack.words)}};
                if (range.contains(address))
                    return range;
            }
            return {};
        };
        FrameWalker walker{from, containing};
        std::vector<u64> found;
        while (const std::optional<VirtAddr> address = walker.next()) {
            found.push_back(address->raw());
            if (found.size() > 1000) {
                ADD_FAILURE() << "the walk does not end";
                break;
            }
        }
        return found;
    }

    using Addresses = std::vector<u64>;
    std::array<Stack, 3> stacks_;
    Stack& low_ = stacks_[0];
    Stack& high_ = stacks_[1];
};

TEST_F(FrameWalkerTest, an_intact_chain_is_followed_to_its_end)
{
    record(low_, 2, at(low_, 8), 1);
    record(low_, 8, at(low_, 20), 2);
    record(low_, 20, VirtAddr{0}, 3);
    EXPECT_EQ(walk(at(low_, 2)), (Addresses{1, 2, 3}));
}

TEST_F(FrameWalkerTest, a_zero_return_address_ends_the_chain)
{
    record(low_, 2, at(low_, 8), 1);
    record(low_, 8, at(low_, 20), 0);
    EXPECT_EQ(walk(at(low_, 2)), (Addresses{1}));
}

TEST_F(FrameWalkerTest, a_record_that_points_to_itself_or_back_ends_the_chain)
{
    record(low_, 8, at(low_, 8), 1);
    EXPECT_EQ(walk(at(low_, 8)), (Addresses{1}));
    record(low_, 2, at(low_, 8), 2);
    record(low_, 8, at(low_, 2), 1);
    EXPECT_EQ(walk(at(low_, 2)), (Addresses{2, 1}));
}

TEST_F(FrameWalkerTest, a_record_that_overlaps_the_one_before_ends_the_chain)
{
    record(low_, 8, at(low_, 9), 1); // also misaligned
    EXPECT_EQ(walk(at(low_, 8)), (Addresses{1}));
}

TEST_F(FrameWalkerTest, nothing_outside_the_known_stacks_is_read)
{
    EXPECT_EQ(walk(VirtAddr{0}), Addresses{});
    EXPECT_EQ(walk(VirtAddr{0xffff'0000'dead'0000}), Addresses{});
    record(low_, 2, VirtAddr{0xffff'0000'dead'0000}, 1);
    EXPECT_EQ(walk(at(low_, 2)), (Addresses{1}));
}

TEST_F(FrameWalkerTest, a_record_that_straddles_the_stacks_end_is_not_read)
{
    // A stack that ends 8 bytes above an aligned address.
    record(low_, kWords - 2, VirtAddr{0}, 1);
    const VirtRange cut{at(low_, 0), Bytes{(kWords - 1) * 8}};
    FrameWalker walker{at(low_, kWords - 2), [&](VirtAddr) { return std::optional{cut}; }};
    EXPECT_FALSE(walker.next());
}

TEST_F(FrameWalkerTest, a_misaligned_frame_pointer_is_not_followed)
{
    record(low_, 3, VirtAddr{0}, 1);
    EXPECT_EQ(walk(at(low_, 3)), Addresses{});
}

TEST_F(FrameWalkerTest, the_chain_may_cross_stacks_in_either_direction)
{
    record(high_, 10, at(low_, 4), 1);
    record(low_, 4, at(low_, 8), 2);
    record(low_, 8, VirtAddr{0}, 3);
    EXPECT_EQ(walk(at(high_, 10)), (Addresses{1, 2, 3}));
}

TEST_F(FrameWalkerTest, a_chain_that_circles_between_stacks_ends)
{
    record(high_, 10, at(low_, 4), 1);
    record(low_, 4, at(high_, 10), 2);
    EXPECT_LE(walk(at(high_, 10)).size(), 8u);
}

} // namespace
} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
#include "mm/image/image_seal.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace percival::mm {
namespace {

// tests/host/lib/seal_image_test.py has the same example.
TEST(image_seal, the_sums_are_those_of_the_build)
{
    constexpr u64 kWords[] = {1, 2, ~u64{0}, 0x0123'4567'89ab'cdef};
    EXPECT_EQ(sums_of(kWords), (ImageSums{0x0123'4567'89ab'cdf1, 0x0123'4567'89ab'cdf7}));
    EXPECT_EQ(sums_of({}), (ImageSums{0, 0}));
}

TEST(image_seal, every_bit_counts)
{
    std::mt19937_64 random{1};
    std::vector<u64> words(200);
    for (u64& word : words)
        word = random();
    const ImageSums right = sums_of(words);
    for (u64& word : words) {
        for (unsigned bit = 0; bit < 64; ++bit) {
            word ^= u64{1} << bit;
            ASSERT_NE(sums_of(words), right) << bit;
            word ^= u64{1} << bit;
        }
    }
}

TEST(image_seal, the_order_of_the_words_counts)
{
    std::vector<u64> words{1, 2, 3, 4, 5};
    const ImageSums right = sums_of(words);
    for (std::size_t at = 0; at + 1 < words.size(); ++at) {
        std::swap(words[at], words[at + 1]);
        EXPECT_NE(sums_of(words), right) << at;
        std::swap(words[at], words[at + 1]);
    }
}

} // namespace
} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Compares the kernel's memory and string functions with those of the host.
#include "kernel/lib/string.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace percival::string {
namespace {

constexpr std::size_t kRoom = 160;
using Buffer = std::array<u8, kRoom>;

Buffer random_bytes(std::mt19937& random)
{
    Buffer buffer;
    for (u8& byte : buffer)
        byte = static_cast<u8>(random());
    return buffer;
}

int sign(int value)
{
    return (value > 0) - (value < 0);
}

// Covers every pair of alignments, and sizes for the byte loop, the word loop and the four-word loop.
TEST(StringTest, CopyEqualsMemcpyAtEveryAlignmentAndSize)
{
    std::mt19937 random{1};
    for (std::size_t to = 0; to < 8; ++to) {
        for (std::size_t from = 0; from < 8; ++from) {
            for (std::size_t size = 0; size < 100; ++size) {
                alignas(8) const Buffer source = random_bytes(random);
                alignas(8) Buffer ours = random_bytes(random);
                alignas(8) Buffer theirs = ours;
                EXPECT_EQ(copy(&ours[to], &source[from], size), &ours[to]);
                std::memcpy(&theirs[to], &source[from], size);
                ASSERT_EQ(ours, theirs) << to << ' ' << from << ' ' << size;
            }
        }
    }
}

TEST(StringTest, MoveEqualsMemmoveForEveryOverlap)
{
    std::mt19937 random{2};
    for (std::size_t to = 0; to < 48; ++to) {
        for (std::size_t from = 0; from < 48; ++from) {
            for (std::size_t size = 0; size < 100; size += 1 + size / 24) {
                alignas(8) Buffer ours = random_bytes(random);
                alignas(8) Buffer theirs = ours;
                EXPECT_EQ(move(&ours[to], &ours[from], size), &ours[to]);
                std::memmove(&theirs[to], &theirs[from], size);
                ASSERT_EQ(ours, theirs) << to << ' ' << from << ' ' << size;
            }
        }
    }
}

TEST(StringTest, FillEqualsMemsetAndUsesTheLowByteOnly)
{
    std::mt19937 random{3};
    for (std::size_t to = 0; to < 8; ++to) {
        for (std::size_t size = 0; size < 120; ++size) {
            for (int value : {0, 1, 0xa5, 0xff, -1, 0x1234}) {
                alignas(8) Buffer ours = random_bytes(random);
                alignas(8) Buffer theirs = ours;
                EXPECT_EQ(fill(&ours[to], value, size), &ours[to]);
                std::memset(&theirs[to], value, size);
                ASSERT_EQ(ours, theirs) << to << ' ' << size << ' ' << value;
            }
        }
    }
}

TEST(StringTest, CompareHasTheSignOfMemcmpWhereverTheFirstDifferenceIs)
{
    std::mt19937 random{4};
    for (std::size_t left = 0; left < 8; ++left) {
        for (std::size_t right = 0; right < 8; ++right) {
            for (std::size_t size = 0; size < 40; ++size) {
                alignas(8) Buffer a = random_bytes(random);
                alignas(8) Buffer b = random_bytes(random);
                std::copy_n(&a[left], size, &b[right]);
                ASSERT_EQ(compare(&a[left], &b[right], size), 0);
                for (std::size_t at = 0; at < size; ++at) {
                    const u8 kept = b[right + at];
                    b[right + at] = static_cast<u8>(random());
                    ASSERT_EQ(sign(compare(&a[left], &b[right], size)),
                              sign(std::memcmp(&a[left], &b[right], size)));
                    b[right + at] = kept;
                }
            }
        }
    }
}

// Uses heap blocks of exactly the size, so that AddressSanitizer reports accesses before or behind them.
TEST(StringTest, NothingOutsideTheRangesIsTouched)
{
    for (std::size_t size = 0; size < 70; ++size) {
        std::vector<u8> a(size, 7);
        std::vector<u8> b(size, 9);
        copy(a.data(), b.data(), size);
        move(a.data(), b.data(), size);
        copy_down(a.data(), b.data(), size);
        fill(a.data(), 9, size);
        EXPECT_EQ(compare(a.data(), b.data(), size), 0);
        EXPECT_EQ(find_byte(a.data(), 1, size), nullptr);
        std::vector<char> text(size, 'x');
        EXPECT_EQ(bounded_length(text.data(), size), size);
    }
}

TEST(StringTest, FindByteEqualsMemchr)
{
    const std::array<u8, 6> bytes{1, 2, 0x80, 2, 0, 0xff};
    for (int value : {0, 1, 2, 3, 0x80, 0xff, -1, 0x102}) {
        for (std::size_t size = 0; size <= bytes.size(); ++size)
            EXPECT_EQ(find_byte(bytes.data(), value, size), std::memchr(bytes.data(), value, size));
    }
}

TEST(StringTest, TextFunctionsEqualTheHosts)
{
    for (const char* text : {"", "a", "ab", "aba", "/memory@40000000/reg", "x\377y"}) {
        EXPECT_EQ(length(text), std::strlen(text));
        for (std::size_t most = 0; most < 25; ++most)
            EXPECT_EQ(bounded_length(text, most), strnlen(text, most));
        for (int value : {int{'a'}, int{'b'}, int{'/'}, int{'q'}, 0, 0xff}) {
            EXPECT_EQ(find_first(text, value), std::strchr(text, value)) << text << ' ' << value;
            EXPECT_EQ(find_last(text, value), std::strrchr(text, value)) << text << ' ' << value;
        }
    }
}

} // namespace
} // namespace percival::string

// SPDX-License-Identifier: BSD-2-Clause
// Damaged trees: cut at every length, with every byte changed, with many bytes changed, or no tree at all.
// The reader either refuses a tree with a sentence or reads it and satisfies its invariants. The sanitizers
// and the guard page see no wild access.
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/tree_parameter.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <random>

namespace percival::testing {
namespace {

::testing::AssertionResult is_answered(const Reading& reading)
{
    if (!reading.violation.empty())
        return ::testing::AssertionFailure() << "a promise is broken: " << reading.violation;
    if (!reading.ok() && reading.sentence.find("device tree: ") != 0)
        return ::testing::AssertionFailure() << "no sentence: " << reading.sentence;
    return ::testing::AssertionSuccess();
}

class DamagedTree : public ::testing::TestWithParam<std::string> {
protected:
    const Blob whole_ = load_tree(GetParam());
};

TEST_P(DamagedTree, cut_at_any_length_is_refused)
{
    for (std::size_t length = 0; length < whole_.size(); ++length) {
        const Reading reading{std::span{whole_}.first(length)};
        ASSERT_FALSE(reading.ok()) << length;
        ASSERT_TRUE(is_answered(reading)) << length;
    }
}

TEST_P(DamagedTree, cut_at_any_length_with_a_matching_header_is_read_or_refused)
{
    for (std::size_t length = sizeof(fdt_header); length < whole_.size(); ++length) {
        Blob cut = whole_;
        cut.resize(length);
        fdt_set_totalsize(cut.data(), static_cast<u32>(length));
        ASSERT_TRUE(is_answered(Reading{cut})) << length;
        // The strings go as well, so that the structure is the first block that ends early.
        fdt_set_size_dt_strings(cut.data(), 0);
        fdt_set_off_dt_strings(cut.data(), static_cast<u32>(length));
        const auto structure = fdt_off_dt_struct(cut.data());
        if (structure <= length)
            fdt_set_size_dt_struct(cut.data(), static_cast<u32>(length - structure));
        ASSERT_TRUE(is_answered(Reading{cut})) << length;
    }
}

TEST_P(DamagedTree, with_any_byte_changed_is_read_or_refused)
{
    for (std::size_t at = 0; at < whole_.size(); ++at) {
        const std::byte old = whole_[at];
        const auto next = static_cast<std::byte>(std::to_integer<unsigned>(old) + 1);
        const auto previous = static_cast<std::byte>(std::to_integer<unsigned>(old) - 1);
        for (const std::byte now :
             {std::byte{0}, std::byte{0xff}, old ^ std::byte{0x80}, old ^ std::byte{4}, next, previous}) {
            Blob blob = whole_;
            blob[at] = now;
            ASSERT_TRUE(is_answered(Reading{blob})) << "byte " << at << " is " << std::to_integer<int>(now);
        }
    }
}

TEST_P(DamagedTree, with_any_word_huge_or_small_is_read_or_refused)
{
    for (std::size_t at = 0; at + 4 <= whole_.size(); at += 4) {
        for (const u32 word : {0U, 1U, 2U, 3U, 9U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'fffcU, 0xffff'ffffU}) {
            Blob blob = whole_;
            for (std::size_t byte = 0; byte < 4; ++byte)
                blob[at + byte] = static_cast<std::byte>(word >> (24 - 8 * byte));
            ASSERT_TRUE(is_answered(Reading{blob})) << "word at " << at << " is " << word;
        }
    }
}

TEST_P(DamagedTree, with_many_bytes_changed_is_read_or_refused)
{
    std::mt19937 random{20'240'601};
    const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
    for (int turn = 0; turn < 3000; ++turn) {
        Blob blob = whole_;
        // Most changes are behind the header; otherwise only the checks of the header would be tested.
        const std::size_t from = turn % 8 == 0 ? 0 : sizeof(fdt_header);
        for (std::size_t change = below(12) + 1; change > 0; --change)
            blob[from + below(blob.size() - from)] = static_cast<std::byte>(random());
        ASSERT_TRUE(is_answered(Reading{blob})) << "turn " << turn;
    }
}

TEST_P(DamagedTree, with_blocks_moved_is_read_or_refused)
{
    std::mt19937 random{7};
    const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
    for (int turn = 0; turn < 1000; ++turn) {
        Blob blob = whole_;
        const std::size_t words = (blob.size() - sizeof(fdt_header)) / 4;
        const std::size_t length = below(std::min<std::size_t>(words, 64)) + 1;
        const std::size_t from = below(words - length + 1);
        const std::size_t to = below(words - length + 1);
        std::copy_n(whole_.begin() + static_cast<std::ptrdiff_t>(sizeof(fdt_header) + from * 4), length * 4,
                    blob.begin() + static_cast<std::ptrdiff_t>(sizeof(fdt_header) + to * 4));
        ASSERT_TRUE(is_answered(Reading{blob})) << "turn " << turn;
    }
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, DamagedTree,
                         ::testing::Values("minimal", "numa-server", "qemu-virt-gicv2", "qemu-virt-gicv3",
                                           "raspberry-pi-3", "raspberry-pi-4", "unusual"),
                         tree_test_name);

TEST(RandomBytes, are_refused)
{
    std::mt19937 random{1};
    for (int turn = 0; turn < 3000; ++turn) {
        Blob blob(random() % 512);
        std::ranges::generate(blob, [&random] { return static_cast<std::byte>(random()); });
        const Reading plain{blob};
        ASSERT_FALSE(plain.ok());
        ASSERT_TRUE(is_answered(plain));
        if (blob.size() < sizeof(fdt_header))
            continue;
        // The random bytes follow a header that looks right.
        fdt_set_magic(blob.data(), FDT_MAGIC);
        fdt_set_version(blob.data(), 17);
        fdt_set_last_comp_version(blob.data(), 16);
        fdt_set_totalsize(blob.data(), static_cast<u32>(blob.size()));
        fdt_set_off_mem_rsvmap(blob.data(), sizeof(fdt_header));
        fdt_set_off_dt_struct(blob.data(), sizeof(fdt_header) + 16);
        fdt_set_off_dt_strings(blob.data(), sizeof(fdt_header));
        fdt_set_size_dt_strings(blob.data(), 16);
        fdt_set_size_dt_struct(
            blob.data(), static_cast<u32>(blob.size() - std::min(blob.size(), sizeof(fdt_header) + 16)));
        ASSERT_TRUE(is_answered(Reading{blob})) << "turn " << turn;
    }
}

TEST(RandomBytes, that_are_all_equal_are_refused)
{
    for (const int value : {0, 1, 0xd0, 0xff}) {
        for (const std::size_t size : {0UL, 1UL, 39UL, 40UL, 4096UL})
            ASSERT_FALSE(Reading{Blob(size, static_cast<std::byte>(value))}.ok());
    }
}

} // namespace
} // namespace percival::testing

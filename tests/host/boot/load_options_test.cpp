// SPDX-License-Identifier: BSD-2-Clause
#include "boot/uefi/load_options.hpp"

#include "tests/host/support/utf16.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace percival::boot::uefi {
namespace {

using percival::testing::utf16_bytes;

// Returns the text, or the error behind a "!".
std::string read(std::vector<std::byte> options, std::size_t room_size = 100)
{
    std::string room(room_size, '?');
    const auto length = read_load_options(options, room);
    if (!length)
        return "!" + std::string{length.error()};
    EXPECT_EQ(room.substr(*length), std::string(room_size - *length, '?'));
    return room.substr(0, *length);
}

TEST(LoadOptions, text_with_and_without_a_zero_at_its_end_is_the_same)
{
    EXPECT_EQ(read(utf16_bytes(u"percpu=local x")), "percpu=local x");
    EXPECT_EQ(read(utf16_bytes(std::u16string_view{u"percpu=local x\0", 15})), "percpu=local x");
}

TEST(LoadOptions, what_is_behind_a_zero_is_not_read)
{
    EXPECT_EQ(read(utf16_bytes(std::u16string_view{u"a\0\xd800", 3})), "a");
}

TEST(LoadOptions, none_are_no_arguments)
{
    EXPECT_EQ(read({}), "");
    EXPECT_EQ(read(utf16_bytes(std::u16string_view{u"\0", 1})), "");
}

TEST(LoadOptions, every_length_of_utf_8_is_written)
{
    EXPECT_EQ(read(utf16_bytes(u"\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff")),
              "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(LoadOptions, half_a_surrogate_pair_is_refused)
{
    const std::string error = "!the load options have half of a surrogate pair";
    EXPECT_EQ(read(utf16_bytes(std::u16string{u'a', 0xd800})), error);
    EXPECT_EQ(read(utf16_bytes(std::u16string{0xdbff, u'a'})), error);
    EXPECT_EQ(read(utf16_bytes(std::u16string{0xd800, 0xd800, 0xdc00})), error);
    EXPECT_EQ(read(utf16_bytes(std::u16string{0xdc00, u'a'})), error);
    EXPECT_EQ(read(utf16_bytes(std::u16string{0xdfff})), error);
    EXPECT_EQ(read(utf16_bytes(std::u16string{0xd800, 0})), error);
}

TEST(LoadOptions, half_a_character_is_refused)
{
    std::vector<std::byte> options = utf16_bytes(u"ab");
    options.pop_back();
    EXPECT_EQ(read(options), "!the load options end in the middle of a character");
}

TEST(LoadOptions, text_that_just_fits_is_taken_and_more_is_refused)
{
    EXPECT_EQ(read(utf16_bytes(u"abcd"), 4), "abcd");
    EXPECT_TRUE(read(utf16_bytes(u"abcde"), 4).starts_with("!the load options are longer"));
    EXPECT_EQ(read(utf16_bytes(u"ab\u07ff"), 4), "ab\xdf\xbf");
    EXPECT_TRUE(read(utf16_bytes(u"abc\u07ff"), 4).starts_with("!the load options are longer"));
}

} // namespace
} // namespace percival::boot::uefi

// SPDX-License-Identifier: BSD-2-Clause
#include "boot/uefi/firmware.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::boot::uefi {
namespace {

struct Console : TextOutput {
    std::u16string text;
};

// Returns what a firmware's console shows of a line with this text.
std::u16string printed(std::string_view text)
{
    Console console{};
    console.output_string = [](TextOutput* self, const char16_t* line) {
        static_cast<Console*>(self)->text = line;
        return kSuccess;
    };
    SystemTable table{};
    table.console_out = &console;
    Firmware{nullptr, table}.print(text);
    return console.text;
}

TEST(UefiFirmware, a_text_that_is_too_long_is_cut_and_its_line_ends)
{
    constexpr std::size_t kText = Firmware::kText;
    for (const std::size_t length : {std::size_t{0}, kText - 1, kText, kText + 1, kText + 500})
        EXPECT_EQ(printed(std::string(length, 'x')),
                  u"Percival: " + std::u16string(std::min(length, kText), u'x') + u"\r\n")
            << length;
}

} // namespace
} // namespace percival::boot::uefi

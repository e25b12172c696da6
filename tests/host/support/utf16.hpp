// SPDX-License-Identifier: BSD-2-Clause
// UTF-16 in bytes, as UEFI's load options have it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace percival::testing {

// Returns the bytes of the text, little-endian, without a zero at its end.
inline std::vector<std::byte> utf16_bytes(std::u16string_view text)
{
    std::vector<std::byte> bytes;
    for (const char16_t unit : text) {
        bytes.push_back(static_cast<std::byte>(unit & 0xff));
        bytes.push_back(static_cast<std::byte>(unit >> 8));
    }
    return bytes;
}

} // namespace percival::testing

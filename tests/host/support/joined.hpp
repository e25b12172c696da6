// SPDX-License-Identifier: BSD-2-Clause
// Texts of tests that are put together from parts.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace percival::testing {

inline std::string joined(std::initializer_list<std::string_view> parts)
{
    std::string text;
    for (const std::string_view part : parts)
        text.append(part);
    return text;
}

} // namespace percival::testing

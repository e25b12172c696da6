// SPDX-License-Identifier: BSD-2-Clause
// A result of a probe as a line of JSON on the console.
#pragma once

#include "kernel/lib/print.hpp"

#include <array>
#include <string_view>

namespace percival {

// Prints `probe: {"probe":"NAME",FIELDS}`. `fill(Writer&)` writes the fields, each with a comma before it.
template <class Fill>
void print_probe_row(std::string_view probe, Fill fill)
{
    std::array<char, kLineLength> room;
    Writer json{room};
    json.put('{');
    format(json, "\"probe\":\"{}\"", probe);
    fill(json);
    json.put('}');
    print("probe: {}", json.text());
}

} // namespace percival

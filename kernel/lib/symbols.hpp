// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own function names, for people who read a panic. The table is written by
// scripts/make_symbols.py from a first link of the image and linked into the second one; in the first link,
// and in a build without it, it is empty.
//
// Any context, a panic included: reads constant data only.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

namespace percival {

struct Symbol {
    std::string_view name;
    Bytes offset; // of the address asked for, from the function's start
    Bytes size;   // up to the next function
};

// INV-symbols-1: `starts` is strictly ascending and has one element more than `names`: the end of the
//                last function.
struct SymbolTable {
    std::span<const u32> starts; // offsets from the image's first byte
    std::span<const u32> names;  // offsets into `text`, of strings that end with a NUL
    const char* text;

    constexpr std::optional<Symbol> find(u64 image_offset) const
    {
        if (names.empty() || image_offset < starts.front() || image_offset >= starts.back())
            return {};
        const auto after = std::upper_bound(starts.begin(), starts.end(), image_offset);
        const auto at = static_cast<std::size_t>(after - starts.begin()) - 1;
        return Symbol{text + names[at], Bytes{image_offset - starts[at]},
                      Bytes{u64{starts[at + 1]} - starts[at]}};
    }
};

// The function that `address` lies in; nothing for addresses outside the kernel's code.
std::optional<Symbol> find_symbol(VirtAddr address);

enum class AddressKind : u8 {
    Exact,  // of an instruction
    Return, // behind a call: the function is that of the call, although a noreturn call may be its last
            // instruction
};

// "V:0xffff… name+0x1c", or the address alone.
void put_address(Writer& out, VirtAddr address, AddressKind kind);

} // namespace percival

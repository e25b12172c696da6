// SPDX-License-Identifier: BSD-2-Clause
// The kernel's function names, for the readers of a panic report. scripts/make_symbols.py makes the table
// from a first link of the image; the second link contains it. The table is empty in the first link and in
// builds without it.
//
// Any context, including a panic: only constant data is read.
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
    Bytes offset; // of the address that was looked up, from the start of the function
    Bytes size;   // up to the start of the next function
};

// Invariant: `starts` is strictly ascending and has one element more than `names`, the end of the last
// function.
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

// Returns the function that contains `address`; nothing for addresses outside the kernel's code.
std::optional<Symbol> find_symbol(VirtAddr address);

enum class AddressKind : u8 {
    Exact,  // the address of an instruction
    Return, // the address after a call. The function is the caller, even if the call is its last instruction
            // because the callee never returns.
};

// Writes "V:0xffff… name+0x1c", or the address alone if no function contains it.
void put_address(Writer& out, VirtAddr address, AddressKind kind);

} // namespace percival

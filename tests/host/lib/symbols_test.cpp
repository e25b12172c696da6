// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/symbols.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

constexpr std::array<u32, 4> kStarts{0x40, 0x50, 0x100, 0x120}; // the last one is the end of the code
constexpr std::array<u32, 3> kNames{0, 6, 11};
constexpr SymbolTable kTable{kStarts, kNames, "first\0next\0last"};

TEST(symbols, an_address_belongs_to_the_function_that_starts_at_or_before_it)
{
    for (u64 at = 0x40; at < 0x120; ++at) {
        const std::optional<Symbol> symbol = kTable.find(at);
        ASSERT_TRUE(symbol.has_value()) << at;
        const u64 start = at < 0x50 ? 0x40 : at < 0x100 ? 0x50 : 0x100;
        EXPECT_EQ(symbol->name, at < 0x50 ? "first" : at < 0x100 ? "next" : "last") << at;
        EXPECT_EQ(symbol->offset.count(), at - start);
    }
    EXPECT_EQ(kTable.find(0x60)->size.count(), 0xb0u);
    EXPECT_EQ(kTable.find(0x11f)->size.count(), 0x20u);
}

TEST(symbols, addresses_outside_the_code_have_no_name)
{
    EXPECT_FALSE(kTable.find(0));
    EXPECT_FALSE(kTable.find(0x3f));
    EXPECT_FALSE(kTable.find(0x120));
    EXPECT_FALSE(kTable.find(u64{1} << 32 | 0x60));
    EXPECT_FALSE(kTable.find(~u64{0}));
}

TEST(symbols, an_empty_table_finds_nothing)
{
    constexpr std::array<u32, 1> kEnd{0};
    const SymbolTable empty{kEnd, {}, ""};
    EXPECT_FALSE(empty.find(0));
    EXPECT_FALSE(empty.find(0x1000));
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Tests the regions of the shadow of percpu memory, in every geometry.
#include "mm/address_space/layout.hpp"

#include <gtest/gtest.h>

#include <array>

namespace percival::mm {
namespace {

template <class G>
class ShadowRegionsOf : public ::testing::Test {};
using AllGeometries = ::testing::Types<Geometry4k39, Geometry4k48, Geometry4k52, Geometry16k47, Geometry16k48,
                                       Geometry16k52, Geometry64k42, Geometry64k48, Geometry64k52>;
TYPED_TEST_SUITE(ShadowRegionsOf, AllGeometries);

// Counts the entries of the private table of the private level that are, or are not, this CPU's own.
template <class L>
u64 private_entries(Level level, u64 entries)
{
    u64 found = 0;
    for (u64 index = 0; index < entries; ++index)
        found += L::is_private(level, index) ? 1 : 0;
    return found;
}

TYPED_TEST(ShadowRegionsOf, RootsDifferInBothWindowsAndNowhereElse)
{
    using G = TypeParam;
    using L = LayoutWithShadow<G>;
    constexpr Level kLevel = L::kPrivateLevel;
    for (const VirtRange& window : {L::kLocalPercpu, L::kLocalShadow}) {
        for (u64 n = 0; n < L::kWindowEntries; ++n)
            EXPECT_TRUE(L::is_private(kLevel, G::index(kLevel, window.base) + n));
    }
    EXPECT_EQ(private_entries<L>(kLevel, G::entries(kLevel)), 2 * L::kWindowEntries);
    // A layout without a shadow has only the one window.
    EXPECT_EQ(private_entries<Layout<G>>(kLevel, G::entries(kLevel)), L::kWindowEntries);
    // Both windows are below the same entries.
    for (Level level = G::kRootLevel; level < kLevel; level = level.down())
        EXPECT_EQ(private_entries<L>(level, G::entries(level)), 1u);
}

TYPED_TEST(ShadowRegionsOf, EachRegionHasAsMuchShadowAsMemory)
{
    using L = LayoutWithShadow<TypeParam>;
    EXPECT_EQ(L::kLocalShadow.size, L::kLocalPercpu.size);
    EXPECT_EQ(L::kGlobalShadow.size, L::kGlobalPercpu.size);
    EXPECT_TRUE((Layout<TypeParam>::kLocalShadow.is_empty()));
    EXPECT_TRUE((Layout<TypeParam>::kGlobalShadow.is_empty()));
}

} // namespace
} // namespace percival::mm

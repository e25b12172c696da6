// SPDX-License-Identifier: BSD-2-Clause
// Tests blocks that exist only with 52-bit output addresses: 512 GiB, 64 GiB and 4 TiB.
#include "tests/host/support/engine_test.hpp"

namespace percival::testing {
namespace {

template <class G>
class WideBlockTest : public EngineTest<G> {
protected:
    static constexpr Level kLevel = G::kWideBlockLevel;
    static constexpr Bytes kWide = G::entry_size(kLevel);

    void TearDown() override
    {
        EngineTest<G>::TearDown();
        mm::wide_blocks = false;
    }
};
using WideGeometries = ::testing::Types<mm::Geometry4k52, mm::Geometry16k52, mm::Geometry64k52>;
TYPED_TEST_SUITE(WideBlockTest, WideGeometries);

TYPED_TEST(WideBlockTest, AreUsedWhereTheMachineHasThemAndAlignmentAllows)
{
    constexpr Bytes kWide = TestFixture::kWide;
    constexpr VirtAddr kAt = kRegion<TypeParam>;
    mm::wide_blocks = true;
    ASSERT_TRUE(this->bench.engine.map({kAt, kWide * 2}, kMemory, mm::kData));
    const auto leaf = this->bench.engine.walk(kAt + kWide);
    EXPECT_EQ(leaf.kind(), mm::PteKind::Leaf);
    EXPECT_EQ(leaf.level, TestFixture::kLevel);
    EXPECT_FALSE(leaf.is_in_run());
    this->bench.expect(kAt + (kWide * 2 - Bytes{8}), kMemory + (kWide * 2 - Bytes{8}), mm::kData);
    EXPECT_TRUE(this->bench.unmap({kAt, kWide * 2}));

    // Memory that is aligned only to the next smaller block.
    constexpr Bytes kNext = TypeParam::entry_size(TestFixture::kLevel.down());
    ASSERT_TRUE(this->bench.engine.map({kAt, kWide}, kMemory + kNext, mm::kData));
    EXPECT_GT(this->bench.engine.walk(kAt).level, TestFixture::kLevel);
}

TYPED_TEST(WideBlockTest, AreNotUsedWhereTheMachineLacksThem)
{
    ASSERT_TRUE(this->bench.engine.map({kRegion<TypeParam>, TestFixture::kWide}, kMemory, mm::kData));
    EXPECT_EQ(this->bench.engine.walk(kRegion<TypeParam>).level.number(), TestFixture::kLevel.number() + 1);
}

TYPED_TEST(WideBlockTest, AreSplitToPagesAroundAChangedPage)
{
    constexpr Bytes kWide = TestFixture::kWide, kPage = TypeParam::kPageSize;
    for (const bool live : {false, true}) {
        // Separate memory and addresses for each round: a split block stays split while it is mapped.
        const VirtAddr at = kRegion<TypeParam> + kWide * (live ? 1 : 0);
        mm::wide_blocks = true;
        this->bench.machine.set_resizes_live(live);
        ASSERT_TRUE(this->bench.engine.map({at, kWide}, kMemory, mm::kData));
        EXPECT_TRUE(this->bench.protect({at + kPage, kPage}, mm::kReadOnlyData));
        this->bench.expect(at, kMemory, mm::kData);
        this->bench.expect(at + kPage, kMemory + kPage, mm::kReadOnlyData);
        this->bench.expect(at + (kWide - Bytes{8}), kMemory + (kWide - Bytes{8}), mm::kData);
        EXPECT_EQ(this->bench.engine.walk(at + kPage).level, mm::kLastLevel);
        EXPECT_TRUE(this->bench.unmap({at, kWide}));
        this->bench.expect(at, std::nullopt);
    }
}

} // namespace
} // namespace percival::testing

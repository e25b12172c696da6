// SPDX-License-Identifier: BSD-2-Clause
// Runs thousands of random operations in every geometry, some of them with tables running out, and compares
// the result with a plain map.
#include "tests/host/support/page_table_model.hpp"

#include <functional>
#include <random>

namespace percival::testing {
namespace {

constexpr u64 kStepsPerRun = 100;

template <class G>
class PageTableRandomTest : public ::testing::Test {
protected:
    static void run(u64 seed, Tables tables)
    {
        std::mt19937_64 random{seed};
        PageTableModelRun<G, std::function<u64(u64)>> model{[&random](u64 below) { return random() % below; },
                                                            tables};
        for (u64 step = 0; step < kStepsPerRun; ++step)
            ASSERT_EQ(model.step(), "") << "seed " << seed << ", step " << step;
        ASSERT_EQ(model.finish(), "") << "seed " << seed;
    }
};
TYPED_TEST_SUITE(PageTableRandomTest, AllGeometries);

TYPED_TEST(PageTableRandomTest, PrivateTablesAgreeWithAPlainMap)
{
    for (u64 seed = 1; seed <= 12; ++seed)
        TestFixture::run(seed, Tables::Private);
}

TYPED_TEST(PageTableRandomTest, SharedTablesAgreeWithAPlainMap)
{
    for (u64 seed = 101; seed <= 106; ++seed)
        TestFixture::run(seed, Tables::Shared);
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Makes hundreds of random changes and merges in every geometry, some with too few tables, and compares the
// result with a plain list of pages.
#include "tests/host/support/set_memory_model.hpp"

#include <functional>
#include <random>

namespace percival::testing {
namespace {

template <class G>
class SetMemoryRandomTest : public ::testing::Test {};
TYPED_TEST_SUITE(SetMemoryRandomTest, AllGeometries);

TYPED_TEST(SetMemoryRandomTest, ChangesAndMergesAgreeWithAPlainList)
{
    // Tables of 16 and 64 KiB take longer.
    const u64 seeds = TypeParam::kGranule == mm::Granule::K4 ? 12 : 4;
    for (u64 seed = 1; seed <= seeds; ++seed) {
        std::mt19937_64 random{seed};
        SetMemoryModelRun<TypeParam, std::function<u64(u64)>> model{
            [&random](u64 below) { return random() % below; }};
        for (u64 step = 0; step < 40; ++step)
            ASSERT_EQ(model.step(), "") << "seed " << seed << ", step " << step;
    }
}

} // namespace
} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// Runs random operations on the whole percpu store, on the host, against a model.
#include "percpu_store/support/store_run.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

struct RandomCase {
    const char* name;
    PercpuStoreShape shape;
    bool with_failures;
    u64 seed;
    u32 steps;
    u32 check_every;
};

class PercpuStoreRandom : public ::testing::TestWithParam<RandomCase> {};

TEST_P(PercpuStoreRandom, AgreesWithAModelOfObjectsAndPages)
{
    const RandomCase& param = GetParam();
    PercpuStoreRun run{param.seed, param.shape, param.with_failures, param.check_every};
    for (u32 step = 0; step < param.steps; ++step)
        ASSERT_EQ(run.step(), "");
    ASSERT_EQ(run.finish(), "");
}

constexpr u64 kAll = ~u64{0};

INSTANTIATE_TEST_SUITE_P(
    Shapes, PercpuStoreRandom,
    ::testing::Values(RandomCase{"each_step_is_checked", {Bytes{20'004}, 8}, true, 1, 10'000, 1},
                      RandomCase{"whole_window", {Bytes{20'004}, kAll}, false, 2, 200'000, 2048},
                      RandomCase{"whole_window_with_failures", {Bytes{11'996}, kAll}, true, 3, 200'000, 2048},
                      RandomCase{"few_units", {Bytes{20'004}, 3}, false, 4, 200'000, 512},
                      RandomCase{"few_units_with_failures", {Bytes{4}, 5}, true, 5, 200'000, 512},
                      RandomCase{"first_chunk_of_several_units", {Bytes{250'000}, 12}, true, 6, 200'000, 512},
                      RandomCase{"first_chunk_only", {Bytes{11'996}, 0}, true, 7, 100'000, 512}),
    [](const auto& instance) { return instance.param.name; });

} // namespace
} // namespace percival::testing

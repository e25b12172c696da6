// SPDX-License-Identifier: BSD-2-Clause
// Runs millions of random operations on maps of percpu chunks, for several unit and page sizes, against a
// model.
#include "tests/host/support/percpu_map_model.hpp"

#include <gtest/gtest.h>

#include <random>

namespace percival::testing {
namespace {

struct RandomCase {
    const char* name;
    PercpuMapShape shape;
    u64 seed;
    u32 steps;
    u32 check_every;
};

class PercpuMapRandom : public ::testing::TestWithParam<RandomCase> {};

TEST_P(PercpuMapRandom, AgreesWithAModelOfOneBytePerGrain)
{
    const RandomCase& param = GetParam();
    std::mt19937_64 random{param.seed};
    const auto choose = [&random](u64 below) { return below <= 1 ? 0 : random() % below; };
    PercpuMapModelRun run{choose, param.shape, param.check_every};
    for (u32 step = 0; step < param.steps; ++step)
        ASSERT_EQ(run.step(), "");
    ASSERT_EQ(run.finish(), "");
}

constexpr Bytes kNone{0};

INSTANTIATE_TEST_SUITE_P(
    Shapes, PercpuMapRandom,
    ::testing::Values(
        RandomCase{"each_step_is_checked", {8_KiB, 4_KiB, kNone, 8_KiB}, 1, 20'000, 1},
        RandomCase{"one_page_of_4k", {4_KiB, 4_KiB, kNone, 4_KiB}, 2, 500'000, 64},
        RandomCase{"unit_32k_page_4k", {32_KiB, 4_KiB, kNone, 32_KiB}, 3, 700'000, 512},
        RandomCase{"unit_64k_page_16k", {64_KiB, 16_KiB, kNone, 64_KiB}, 4, 700'000, 1024},
        RandomCase{"unit_128k_page_64k", {128_KiB, 64_KiB, kNone, 128_KiB}, 5, 500'000, 2048},
        RandomCase{"more_blocks_than_a_word_has_bits", {320_KiB, 64_KiB, kNone, 320_KiB}, 6, 300'000, 4096},
        RandomCase{"first_chunk", {64_KiB, 4_KiB, Bytes{20'004}, 64_KiB}, 7, 300'000, 512},
        RandomCase{"reserved_chunk", {64_KiB, 4_KiB, Bytes{11'996}, Bytes{20'004}}, 8, 300'000, 512}),
    [](const auto& instance) { return instance.param.name; });

} // namespace
} // namespace percival::testing

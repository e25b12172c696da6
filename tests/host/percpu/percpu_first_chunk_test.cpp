// SPDX-License-Identifier: BSD-2-Clause
// Tests the layout of the first percpu chunk.
#include "mm/percpu/first_chunk.hpp"

#include <gtest/gtest.h>

namespace percival::mm {
namespace {

TEST(PercpuFirstChunk, PartsFollowEachOtherAndFillWholePages)
{
    for (const Bytes page : {4_KiB, 16_KiB, 64_KiB}) {
        for (const u64 static_size : {u64{0}, u64{1}, u64{5001}, page.count()}) {
            for (const u64 reserved : {u64{0}, u64{7}, u64{8192}}) {
                for (const u64 dynamic : {u64{0}, u64{20'480}}) {
                    const auto chunk = percpu::FirstChunk::carve(Bytes{static_size}, Bytes{reserved},
                                                                 Bytes{dynamic}, page, 1_MiB);
                    ASSERT_TRUE(chunk);
                    ASSERT_GE(chunk->reserved_begin.count(), static_size);
                    ASSERT_GE((chunk->dynamic_begin - chunk->reserved_begin).count(), reserved);
                    ASSERT_GE((chunk->size - chunk->dynamic_begin).count(), dynamic);
                    ASSERT_LT((chunk->size - chunk->dynamic_begin).count(), dynamic + page.count());
                    ASSERT_EQ(chunk->size.count() % page.count(), 0u);
                    ASSERT_EQ(chunk->reserved_begin.count() % percpu::kGrain.count(), 0u);
                    ASSERT_EQ(chunk->dynamic_begin.count() % percpu::kGrain.count(), 0u);
                }
            }
        }
    }
}

TEST(PercpuFirstChunk, AnExactFitSucceedsAndOneByteMoreFails)
{
    const auto carve = [](u64 static_size, u64 reserved, u64 dynamic) {
        return percpu::FirstChunk::carve(Bytes{static_size}, Bytes{reserved}, Bytes{dynamic}, 4_KiB,
                                         Bytes{8192 + 4095});
    };
    EXPECT_EQ(carve(4000, 96, 4096), (percpu::FirstChunk{Bytes{4000}, 4_KiB, 8_KiB}));
    EXPECT_EQ(carve(4000, 96, 4097).error(), percpu::FirstChunkError::DynamicTooLarge);
    EXPECT_EQ(carve(4000, 4193, 0).error(), percpu::FirstChunkError::ReservedTooLarge);
    EXPECT_EQ(carve(8192, 0, 0), (percpu::FirstChunk{8_KiB, 8_KiB, 8_KiB}));
    EXPECT_EQ(carve(8193, 0, 0).error(), percpu::FirstChunkError::StaticTooLarge);
    EXPECT_EQ(carve(~u64{0}, 0, 0).error(), percpu::FirstChunkError::StaticTooLarge);
    EXPECT_EQ(carve(4, ~u64{0}, 0).error(), percpu::FirstChunkError::ReservedTooLarge);
    EXPECT_EQ(carve(4, 4, ~u64{0}).error(), percpu::FirstChunkError::DynamicTooLarge);
}

} // namespace
} // namespace percival::mm

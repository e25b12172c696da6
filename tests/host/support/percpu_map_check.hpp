// SPDX-License-Identifier: BSD-2-Clause
// Compares all that the map of a percpu chunk says with a model of one byte per grain, which is counted grain
// by grain.
#pragma once

#include "mm/percpu_memory/chunk_map.hpp"

#include <string>
#include <vector>

namespace percival::testing {

enum class PercpuGrain : u8 { Free, Start, Inside, Foreign };

// The runs of free grains in [begin, end), counted grain by grain: the correct values of percpu::Block and
// percpu::FreeRuns.
struct CountedRuns {
    u32 free{0};
    u32 largest{0};
    u32 left{0};
    u32 right{0};
    u32 first{0};

    CountedRuns(const std::vector<PercpuGrain>& grains, u32 begin, u32 end) : first{end - begin}
    {
        for (u32 at = begin; at < end; ++at) {
            right = grains[at] == PercpuGrain::Free ? right + 1 : 0;
            if (right == 0)
                continue;
            ++free;
            first = std::min(first, at - begin);
            largest = std::max(largest, right);
            if (right == at - begin + 1)
                left = right;
        }
    }
};

// Returns the first difference between the map and the model, or an empty string.
inline std::string check_percpu_map(const percpu::ChunkMap& map, const std::vector<PercpuGrain>& grains,
                                    u32 allocatable_end)
{
    const auto is_free_run = [&grains](u32 at, u32 length) {
        for (u32 grain = at; grain < at + length; ++grain) {
            if (grains.at(grain) != PercpuGrain::Free)
                return false;
        }
        return true;
    };
    for (u32 at = 0; at < grains.size(); ++at) {
        if (bit_is_set(map.used(), at) != (grains[at] != PercpuGrain::Free))
            return "the bit of grain " + std::to_string(at);
        if (bit_is_set(map.starts(), at) != (grains[at] == PercpuGrain::Start || at == allocatable_end))
            return "the start bit of grain " + std::to_string(at);
    }
    for (u32 index = 0; index < map.block_count(); ++index) {
        const percpu::Block& block = map.block(index);
        const u32 base = index * percpu::Block::kGrains;
        const CountedRuns runs{grains, base, base + percpu::Block::kGrains};
        const std::string of_block = " of block " + std::to_string(index);
        if (block.free() != runs.free)
            return "free" + of_block;
        if (block.left() != runs.left || block.right() != runs.right)
            return "an edge" + of_block;
        if (block.first() != runs.first)
            return "first" + of_block;
        if (block.largest() != runs.largest || !is_free_run(base + block.largest_at(), block.largest()))
            return "largest" + of_block;
        if (bit_is_set(map.idle_blocks(), index) != (runs.free == percpu::Block::kGrains))
            return "the idle bit" + of_block;
    }
    const CountedRuns whole{grains, 0, static_cast<u32>(grains.size())};
    if (map.free_bytes() != percpu::kGrain * whole.free)
        return "the free bytes";
    const auto largest_at = static_cast<u32>(map.largest_free_offset().count() / percpu::kGrain.count());
    if (map.largest_free() != percpu::kGrain * whole.largest || !is_free_run(largest_at, whole.largest))
        return "the largest free run";
    return {};
}

} // namespace percival::testing

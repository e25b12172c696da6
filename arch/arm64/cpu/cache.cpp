// SPDX-License-Identifier: BSD-2-Clause
#include "arch/cpu/cache.hpp"

#include <atomic>

namespace percival::arch {
namespace {

constinit std::atomic<u8> smallest_instruction{CacheLines::kUnknown};
constinit std::atomic<u8> smallest_data{CacheLines::kUnknown};

void lower_to(std::atomic<u8>& smallest, u8 line)
{
    u8 known = smallest.load(std::memory_order_relaxed);
    while (line < known && !smallest.compare_exchange_weak(known, line, std::memory_order_relaxed)) {
    }
}

} // namespace

CacheLines cache_lines()
{
    const CacheLines noted{smallest_instruction.load(std::memory_order_relaxed),
                           smallest_data.load(std::memory_order_relaxed)};
    return noted.smallest_with(own_cache_lines());
}

void note_cache_lines()
{
    const CacheLines own = own_cache_lines();
    lower_to(smallest_instruction, own.instruction);
    lower_to(smallest_data, own.data);
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// Measures what it takes to add memory to the running kernel, and to remove it. The memory need not exist:
// nothing in it is accessed until a page of it is allocated.
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/hot_memory/hot_memory.hpp"
#include "mm/kernel_map/linear_map.hpp"

namespace percival {
namespace {

// The last GiB that the linear map reaches.
PhysRange a_gib_without_memory()
{
    const PhysRange window = mm::reach_of_linear_map();
    return {(window.end() - 1_GiB).align_down(1_GiB), 1_GiB};
}

struct Cost {
    u64 add;
    u64 remove;
};

Cost add_and_remove(PhysRange range)
{
    const u64 before = arch::instructions_retired();
    if (const auto added = mm::add_memory(range, mm::NumaNode{1000}); !added)
        panic("{} at {} {}", range.size, range.base, mm::description_of(added.error()));
    const u64 between = arch::instructions_retired();
    if (!mm::remove_memory(range))
        panic("{} at {} is in use", range.size, range.base);
    return {static_cast<u32>(between - before), static_cast<u32>(arch::instructions_retired() - between)};
}

// The first addition gives the roots their entry, which stays.
Cost repeated()
{
    add_and_remove(a_gib_without_memory());
    return add_and_remove(a_gib_without_memory());
}

PERCIVAL_BENCHMARK(hot_add_1GiB, None)
{
    return {.hundredths = repeated().add * 100};
}

PERCIVAL_BENCHMARK(hot_remove_1GiB, None)
{
    return {.hundredths = repeated().remove * 100};
}

} // namespace
} // namespace percival

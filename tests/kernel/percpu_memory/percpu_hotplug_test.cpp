// SPDX-License-Identifier: BSD-2-Clause
// Tests percpu memory while a CPU is offline: its copies are mapped, zeroed and unmapped like all others, and
// its stocks have gone back to the chunks.
#include "kernel/wait/run_everywhere.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

// Calls meanwhile(cpu) while the last CPU is offline.
template <class F>
void without_the_last_cpu(F meanwhile)
{
    const CpuId cpu = last_online_cpu();
    const Away away{cpu};
    meanwhile(cpu);
}

PERCIVAL_TEST(percpu_hotplug, memory_allocated_while_a_cpu_is_offline_is_mapped_and_zero_when_it_returns)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    constexpr u32 kObjects = 4 * kLargestPerUnit; // enough for new chunks
    PercpuHerd herd{kObjects};
    VirtAddr fresh{0};
    CpuId last{};
    without_the_last_cpu([&](CpuId cpu) {
        last = cpu;
        {
            PercpuHerd dirty{kObjects};
            while (!dirty.is_full())
                ASSERT(dirty.allocate(percpu::kMaxSize));
        }
        fresh = percpu::allocate(percpu::kMaxSize, kGrain).value_or(VirtAddr{0});
        ASSERT(fresh != VirtAddr{0});
        EXPECT(copies_are_zero(fresh, percpu::kMaxSize));
        while (!herd.is_full())
            ASSERT(herd.allocate(percpu::kMaxSize));
    });
    u32 wrong = 0;
    call_on(last, [&] {
        wrong += local_grain(fresh) != 0;
        wrong += local_grain(last_grain(fresh, percpu::kMaxSize)) != 0;
        for (u32 index = 0; index < herd.size(); ++index)
            wrong += local_grain(herd[index]) != signature_of(herd[index], last);
    });
    EXPECT_EQ(wrong, 0u);
    EXPECT(herd.are_signed());
    percpu::free(fresh);
}

PERCIVAL_TEST(percpu_hotplug, memory_unmapped_while_a_cpu_is_offline_faults_when_it_returns)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    PercpuHerd herd{3 * kLargestPerUnit};
    while (!herd.is_full())
        ASSERT(herd.allocate(percpu::kMaxSize));
    std::array<VirtAddr, 3 * kLargestPerUnit> objects{};
    for (u32 index = 0; index < herd.size(); ++index)
        objects[index] = herd[index];
    run_everywhere([&](CpuId cpu) {
        for (const VirtAddr object : objects)
            EXPECT_EQ(local_grain(object), signature_of(object, cpu));
    });
    without_the_last_cpu([&](CpuId) {
        herd.free_all();
        settle_percpu();
    });
    u32 unmapped = 0;
    for (const VirtAddr object : objects)
        unmapped += !percpu::to_phys(object, kBootCpu).has_value();
    EXPECT(unmapped != 0); // more were freed than the store keeps
    run_everywhere([&](CpuId) {
        for (const VirtAddr object : objects)
            EXPECT_EQ(is_a_hole(object), !percpu::to_phys(object, kBootCpu).has_value());
    });
}

PERCIVAL_TEST(percpu_hotplug, the_stocks_of_an_offline_cpu_are_empty)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const auto stocked = [](CpuId cpu) {
        u32 places = 0;
        for (const percpu::Stock& stock : percpu::stocks.on(cpu))
            places += stock.count;
        return places;
    };
    const CpuId last = last_online_cpu();
    call_on(last, [] {
        for (const u32 size : {8u, 64u, 4096u}) {
            if (const auto object = percpu::allocate_atomic(Bytes{size}, kGrain))
                percpu::free(*object);
        }
    });
    EXPECT(stocked(last) != 0);
    without_the_last_cpu([&](CpuId cpu) { EXPECT_EQ(stocked(cpu), 0u); });
}

} // namespace
} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Tests typed percpu objects: construction and destruction on each possible CPU, owners and counters.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

constinit u32 constructed = 0;
constinit u32 destroyed = 0;

struct Tracked {
    Tracked() { ++constructed; }
    Tracked(const Tracked&) = delete;
    ~Tracked() { ++destroyed; }

    u64 first{0x1111};
    u64 self{reinterpret_cast<u64>(this)};
    u64 last{0x3333};
};

struct alignas(256) Aligned {
    u64 value;
};

PERCIVAL_TEST(percpu_object, a_counter_starts_at_zero_and_counts_on_the_calling_cpu)
{
    const auto created = percpu::create<u64>();
    ASSERT(created.has_value());
    PerCpu<u64>& counter = **created;
    for_each_possible_cpu([&](CpuId cpu) { EXPECT_EQ(counter.on(cpu), 0u); });
    run_everywhere([&](CpuId cpu) {
        for (u32 turn = 0; turn <= cpu.index(); ++turn)
            counter.add(3);
    });
    for_each_online_cpu([&](CpuId cpu) { EXPECT_EQ(counter.on(cpu), 3 * (cpu.index() + 1)); });
    percpu::destroy(&counter);
}

PERCIVAL_TEST(percpu_object, is_constructed_and_destroyed_once_on_each_possible_cpu)
{
    constructed = destroyed = 0;
    const auto created = percpu::create<Tracked>();
    ASSERT(created.has_value());
    EXPECT_EQ(constructed, possible_cpu_count());
    for_each_possible_cpu([&](CpuId cpu) {
        const Tracked& copy = (*created)->on(cpu);
        EXPECT_EQ(copy.first, 0x1111u);
        EXPECT_EQ(copy.last, 0x3333u);
        EXPECT_EQ(copy.self, address_of(&copy).raw()); // at its global address
    });
    EXPECT_EQ(destroyed, 0u);
    percpu::destroy(*created);
    EXPECT_EQ(constructed, possible_cpu_count());
    EXPECT_EQ(destroyed, possible_cpu_count());
}

PERCIVAL_TEST(percpu_object, is_destroyed_with_its_owner)
{
    const PercpuUse before = percpu_use();
    constructed = destroyed = 0;
    {
        percpu::Owned<Tracked> owned{percpu::create<Tracked>().value_or(nullptr)};
        ASSERT(owned != nullptr);
        percpu::Owned<Tracked> other{std::move(owned)};
        EXPECT(owned == nullptr);
        EXPECT_EQ(other->on(kBootCpu).first, 0x1111u);
        EXPECT_EQ(destroyed, 0u);
    }
    EXPECT_EQ(destroyed, possible_cpu_count());
    const percpu::Owned<Tracked> nothing{};
    expect_same_percpu_use(before);
}

PERCIVAL_TEST(percpu_object, is_aligned_as_its_type_when_created_atomically)
{
    const percpu::Owned<Aligned> owned{percpu::create_atomic<Aligned>().value_or(nullptr)};
    ASSERT(owned != nullptr);
    EXPECT(owned->local_address().is_aligned(Bytes{alignof(Aligned)}));
    for_each_possible_cpu([&](CpuId cpu) {
        EXPECT(address_of(&owned->on(cpu)).is_aligned(Bytes{alignof(Aligned)}));
        EXPECT_EQ(owned->on(cpu).value, 0u);
    });
}

PERCIVAL_TEST(percpu_object, destroying_null_does_nothing)
{
    const u64 before = mm::memory_statistics().bad_frees;
    percpu::destroy<u64>(nullptr);
    EXPECT_EQ(mm::memory_statistics().bad_frees, before);
}

} // namespace
} // namespace percival

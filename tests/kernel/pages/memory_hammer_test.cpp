// SPDX-License-Identifier: BSD-2-Clause
// Lets many CPUs and interrupts use the allocators at once: no memory is handed out twice, and none is lost.
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/alarm_storm.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"

#include <algorithm>
#include <atomic>

namespace percival {
namespace {

// Pages and objects with a common interface, so that both undergo the same steps. Each has `kWords` words to
// be signed.
struct SinglePages {
    static constexpr u64 kWords = mm::KernelGeometry::kPageSize.count() / sizeof(u64);
    static u64* allocate()
    {
        const auto page = mm::allocate_page();
        return page ? mm::linear_pointer<u64>(*page) : nullptr;
    }
    static void free(u64* thing) { mm::free_page(mm::linear_to_physical(address_of(thing))); }
};

template <u64 Size>
struct Objects {
    static constexpr u64 kWords = Size / sizeof(u64);
    static u64* allocate() { return static_cast<u64*>(mm::allocate_object(Bytes{Size})); }
    static void free(u64* thing) { mm::free_object(thing, Bytes{Size}); }
};

// Writes a signature at both ends of an allocation. If two CPUs get the same memory, one overwrites the
// other's signature.
template <class Kind>
void sign(u64* thing, u64 signature)
{
    __atomic_store_n(&thing[0], signature, __ATOMIC_RELAXED);
    __atomic_store_n(&thing[Kind::kWords - 1], signature, __ATOMIC_RELAXED);
}

template <class Kind>
bool is_signed(u64* thing, u64 signature)
{
    return __atomic_load_n(&thing[0], __ATOMIC_RELAXED) == signature &&
           __atomic_load_n(&thing[Kind::kWords - 1], __ATOMIC_RELAXED) == signature;
}

// Each CPU's own 0 to 90 allocations: from none to more than a stock holds.
constexpr u32 kMax = 90;
PERCIVAL_PERCPU PerCpu<std::array<u64*, kMax>> mine{};

template <class Kind>
void allocate_sign_check_free(CpuId cpu, u32 rounds)
{
    std::array<u64*, kMax>& things = mine.on(cpu);
    u32 random = cpu.index() * 7919 + 1;
    for (u32 round = 0; round < rounds; ++round) {
        random = random * 1664525 + 1013904223;
        const u32 count = (random >> 16) % (kMax + 1);
        const u64 signature = u64{cpu.index()} << 32 | round;
        for (u32 index = 0; index < count; ++index) {
            things[index] = Kind::allocate();
            ASSERT(things[index] != nullptr);
            sign<Kind>(things[index], signature << 16 | index);
        }
        for (u32 index = 0; index < count; ++index) {
            EXPECT(is_signed<Kind>(things[index], signature << 16 | index));
            Kind::free(things[index]);
        }
    }
}

template <class Kind>
void hammer_everywhere()
{
    const auto before = mm::memory_statistics();
    const u32 rounds = 400 / online_cpu_count() + 10;
    run_everywhere([rounds](CpuId cpu) { allocate_sign_check_free<Kind>(cpu, rounds); });
    drain_all_object_stocks();
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
    EXPECT_EQ(after.bad_frees, before.bad_frees);
    EXPECT_EQ(after.late_writes, before.late_writes);
}

PERCIVAL_TEST(memory_hammer, no_page_is_handed_out_twice)
{
    hammer_everywhere<SinglePages>();
}

PERCIVAL_TEST(memory_hammer, no_object_is_handed_out_twice)
{
    drain_all_object_stocks();
    hammer_everywhere<Objects<16>>();
    hammer_everywhere<Objects<64>>();
    hammer_everywhere<Objects<1536>>();
}

// Uses a few shared slots. A CPU allocates, exchanges its allocation for the content of a slot, and frees
// what it got.
template <class Kind>
void exchange_everywhere()
{
    const auto before = mm::memory_statistics();
    static constinit std::array<std::atomic<u64*>, 37> slots{};
    const u32 turns = 20'000 / online_cpu_count();
    run_everywhere([turns](CpuId cpu) {
        for (u32 turn = 0; turn < turns; ++turn) {
            u64* thing = Kind::allocate();
            ASSERT(thing != nullptr);
            sign<Kind>(thing, reinterpret_cast<u64>(thing));
            u64* other = slots[(turn * 11 + cpu.index()) % slots.size()].exchange(thing);
            if (other == nullptr)
                continue;
            EXPECT(is_signed<Kind>(other, reinterpret_cast<u64>(other)));
            Kind::free(other);
        }
    });
    for (auto& slot : slots) {
        if (u64* left = slot.exchange(nullptr))
            Kind::free(left);
    }
    drain_all_object_stocks();
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
    EXPECT_EQ(after.bad_frees, before.bad_frees);
}

PERCIVAL_TEST(memory_hammer, a_cpu_can_free_memory_that_another_cpu_allocated)
{
    drain_all_object_stocks();
    exchange_everywhere<SinglePages>();
    exchange_everywhere<Objects<64>>();
}

// The handler of an alarm uses the same allocators as the loop that it interrupts.
PERCIVAL_PERCPU PerCpu<u64> interrupts{};

void allocate_in_alarm()
{
    interrupts.inc();
    const u64 signature = ~interrupts.read();
    u64* page = SinglePages::allocate();
    u64* object = Objects<64>::allocate();
    if (EXPECT(page != nullptr && object != nullptr)) {
        sign<SinglePages>(page, signature);
        sign<Objects<64>>(object, signature);
        EXPECT(is_signed<SinglePages>(page, signature) && is_signed<Objects<64>>(object, signature));
    }
    SinglePages::free(page);
    Objects<64>::free(object);
}

PERCIVAL_TEST(memory_hammer, allocations_in_interrupt_handlers_do_not_disturb_interrupted_allocations)
{
    drain_all_object_stocks();
    const auto before = mm::memory_statistics();
    for_each_online_cpu([](CpuId cpu) { interrupts.on(cpu) = 0; });
    run_everywhere([alarms = interrupts_each()](CpuId cpu) {
        if (cpu.index() >= kInterruptedCpus)
            return;
        for (AlarmStorm storm{alarms, 100'000, &allocate_in_alarm}; storm.next_turn();) {
            allocate_sign_check_free<SinglePages>(cpu, 1);
            allocate_sign_check_free<Objects<64>>(cpu, 1);
        }
    });
    drain_all_object_stocks();
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.used, before.used);
    EXPECT_EQ(after.bad_frees, before.bad_frees);
}

} // namespace
} // namespace percival

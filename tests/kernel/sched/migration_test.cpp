// SPDX-License-Identifier: BSD-2-Clause
// Tests the central property of this kernel: this_cpu operations need no protection. Threads are preempted
// and moved to other CPUs between any two instructions. They lose no update and never change another CPU's
// copy instead.
#include "mm/objects/small_objects.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/moved_threads.hpp"

#include <algorithm>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> wide{};
PERCIVAL_PERCPU PerCpu<u32> half{};
PERCIVAL_PERCPU PerCpu<u16> quarter{};
PERCIVAL_PERCPU PerCpu<u8> byte{};

// The minimum number of moves, if there is another CPU to move to.
constexpr u64 kMoves = 300;

PERCIVAL_TEST(migration, adds_of_every_width_are_exact)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u64 kTurns = 1'000'000;
    clear(wide), clear(half), clear(quarter), clear(byte);
    const u64 made = while_moved(kTurns, kMoves, [](u32) {
        wide.add(3);
        half.inc();
        quarter.add(5);
        byte.sub(1);
    });
    EXPECT_EQ(sum_of(wide), 3 * made);
    EXPECT_EQ(sum_of(half), static_cast<u32>(made));
    EXPECT_EQ(sum_of(quarter), static_cast<u16>(5 * made));
    EXPECT_EQ(sum_of(byte), static_cast<u8>(0 - made));
}

PERCIVAL_TEST(migration, a_compare_exchange_loop_is_exact)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u64 kTurns = 500'000;
    clear(wide), clear(quarter);
    const u64 made = while_moved(kTurns, kMoves, [](u32) {
        u64 value = wide.read();
        while (!wide.try_cmpxchg(value, value + 1)) {
        }
        u16 narrow = quarter.read();
        while (!quarter.try_cmpxchg(narrow, static_cast<u16>(narrow + 1))) {
        }
    });
    EXPECT_EQ(sum_of(wide), made);
    EXPECT_EQ(sum_of(quarter), static_cast<u16>(made));
}

PERCIVAL_TEST(migration, every_exchanged_value_comes_out_exactly_once)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u64 kTurns = 500'000;
    clear(wide);
    std::atomic<u64> put{0};
    std::atomic<u64> taken{0};
    std::array<u64, ThreadGroup<void (*)(u32)>::kMax> put_by{};
    std::array<u64, ThreadGroup<void (*)(u32)>::kMax> taken_by{};
    while_moved(kTurns, kMoves, [&](u32 number) {
        const u64 value = put_by[number] * 7 + number;
        put_by[number] += value;
        taken_by[number] += wide.xchg(value);
    });
    for (u32 number = 0; number < thread_count(); ++number) {
        put.fetch_add(put_by[number]);
        taken.fetch_add(taken_by[number]);
    }
    EXPECT_EQ(put.load() - taken.load(), sum_of(wide));
}

// Under a pin, all operations use the same CPU.
PERCIVAL_TEST(migration, operations_under_one_pin_use_one_cpu)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u64 kTurns = 300'000;
    clear(wide);
    for_each_online_cpu([](CpuId cpu) { half.on(cpu) = cpu.index(); });
    std::atomic<u64> torn{0};
    const u64 made = while_moved(kTurns, kMoves, [&](u32) {
        const PreemptGuard pin;
        const CpuId self = this_cpu_id();
        u64& own = wide.here(pin);
        const u64 before = own;
        wide.inc();
        if (half.read() != self.index() || own != before + 1 || this_cpu_id() != self)
            torn.fetch_add(1);
    });
    EXPECT_EQ(torn.load(), 0u);
    EXPECT_EQ(sum_of(wide), made);
}

// Threads allocate and free while they are moved in the middle of these operations. The state of a moved
// thread's operation must not mix with that of the other CPU's threads.
PERCIVAL_TEST(migration, pages_and_objects_are_neither_lost_nor_handed_out_twice)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u64 kTurns = 60'000;
    std::atomic<u64> clashes{0};
    while_moved(kTurns, kMoves, [&](u32 number) {
        u64* const object = static_cast<u64*>(mm::allocate_object(Bytes{64}));
        if (object == nullptr)
            return;
        object[0] = number;
        object[7] = ~u64{number};
        asm volatile("" ::: "memory");
        if (object[0] != number || object[7] != ~u64{number})
            clashes.fetch_add(1);
        mm::free_object(object, Bytes{64});
    });
    EXPECT_EQ(clashes.load(), 0u);
}

} // namespace
} // namespace percival

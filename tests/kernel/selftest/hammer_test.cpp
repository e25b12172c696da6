// SPDX-License-Identifier: BSD-2-Clause
// Many CPUs and interrupts update one counter, and no update is lost.
#include "arch/cpu/processor.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/alarm_storm.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"

#include <algorithm>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};
PERCIVAL_PERCPU PerCpu<u32> narrow{};
PERCIVAL_PERCPU PerCpu<u64> from_interrupt{};
PERCIVAL_PERCPU PerCpu<u64> interrupts{};

constexpr u64 kTurns = 20'000;

PERCIVAL_TEST(hammer, every_cpu_counts_in_its_own_copy_and_loses_nothing)
{
    for_each_online_cpu([](CpuId cpu) { counter.on(cpu) = 0; });
    run_everywhere([](CpuId) {
        for (u64 turn = 0; turn < kTurns; ++turn)
            counter.add(1);
    });
    for_each_online_cpu([](CpuId cpu) { EXPECT_EQ(counter.on(cpu), kTurns); });
}

// The owner adds at the local address while all other CPUs add at the global one. The same memory has two
// addresses, and both kinds of atomics are used.
PERCIVAL_TEST(hammer, local_and_remote_atomics_on_one_copy_lose_nothing)
{
    const u64 turns = kTurns / online_cpu_count() + 1;
    counter.on(kBootCpu) = 0;
    run_everywhere([turns](CpuId cpu) {
        for (u64 turn = 0; turn < turns; ++turn) {
            if (cpu == kBootCpu)
                counter.inc();
            else
                __atomic_fetch_add(&counter.on(kBootCpu), 1, __ATOMIC_RELAXED);
        }
    });
    EXPECT_EQ(counter.on(kBootCpu), turns * online_cpu_count());
}

PERCIVAL_TEST(hammer, a_compare_exchange_loop_beside_remote_adds_loses_nothing)
{
    const u32 turns = static_cast<u32>(kTurns / online_cpu_count()) + 1;
    narrow.on(kBootCpu) = 0;
    run_everywhere([turns](CpuId cpu) {
        for (u32 turn = 0; turn < turns; ++turn) {
            if (cpu != kBootCpu) {
                __atomic_fetch_add(&narrow.on(kBootCpu), 1, __ATOMIC_RELAXED);
                continue;
            }
            u32 value = narrow.read();
            while (!narrow.try_cmpxchg(value, value + 1)) {
            }
        }
    });
    EXPECT_EQ(narrow.on(kBootCpu), turns * online_cpu_count());
}

// Adds to the variable to which the interrupted loop adds.
void add_in_alarm()
{
    from_interrupt.add(1);
    interrupts.inc();
}

PERCIVAL_TEST(hammer, operations_in_timer_interrupts_lose_nothing)
{
    for_each_online_cpu([](CpuId cpu) {
        from_interrupt.on(cpu) = 0;
        interrupts.on(cpu) = 0;
    });
    run_everywhere([alarms = interrupts_each()](CpuId cpu) {
        if (cpu.index() >= kInterruptedCpus)
            return;
        u64 added = 0;
        for (AlarmStorm storm{alarms, 100'000, &add_in_alarm}; storm.next_turn(); ++added)
            from_interrupt.add(1);
        EXPECT(interrupts.read() >= alarms);
        EXPECT_EQ(from_interrupt.read(), added + interrupts.read());
    });
}

} // namespace
} // namespace percival

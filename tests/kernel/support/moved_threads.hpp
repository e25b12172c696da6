// SPDX-License-Identifier: BSD-2-Clause
// Threads that work on per-CPU data while they are preempted and moved at any moment.
#pragma once

#include "kernel/lib/print.hpp"
#include "kernel/sched/thread.hpp"
#include "tests/kernel/support/forced_migration.hpp"
#include "tests/kernel/support/percpu_modes.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <algorithm>
#include <atomic>

namespace percival {

inline u32 thread_count()
{
    return std::min(3 * online_cpu_count(), 24u);
}

template <class T>
T sum_of(PerCpu<T>& counter)
{
    T sum{};
    for_each_online_cpu([&](CpuId cpu) { sum = static_cast<T>(sum + counter.on(cpu)); });
    return sum;
}

template <class T>
void clear(PerCpu<T>& counter)
{
    for_each_online_cpu([&](CpuId cpu) { counter.on(cpu) = 0; });
}

// Runs `turn(number)` in many threads that are moved between CPUs, for at least the given numbers of turns
// and, if there is another CPU, of moves. Returns how often it ran.
template <class Turn>
u64 while_moved(u64 turns, u64 moves, Turn turn)
{
    const u64 each = turns / thread_count();
    const u64 moves_each = online_cpu_count() == 1 ? 0 : moves / thread_count() + 1;
    std::atomic<u64> made{0};
    std::atomic<u64> migrations{0};
    auto body = [&](u32 number) {
        u64 own = 0;
        for (; own < each || current_thread().migrations < moves_each; ++own)
            turn(number);
        made.fetch_add(own);
        migrations.fetch_add(current_thread().migrations);
    };
    {
        const ForcedMigration forced;
        ThreadGroup group{thread_count(), body};
    }
    print("  # {}: {} turns of {} threads, {} migrations", name_of(arch::percpu_form().mode), made.load(),
          thread_count(), migrations.load());
    return made.load();
}

} // namespace percival

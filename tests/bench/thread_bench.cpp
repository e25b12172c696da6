// SPDX-License-Identifier: BSD-2-Clause
// Measures threads and interrupts: a switch from one thread to another, and a call of another CPU.
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/selftest/benchmark.hpp"

namespace percival {
namespace {

// Two threads of one CPU yield to each other. A turn goes there and back, so it is two switches.
PERCIVAL_BENCHMARK(context_switch, None)
{
    std::atomic<bool> over{false};
    auto partner = [&over] {
        while (!over.load(std::memory_order_relaxed))
            yield();
    };
    const auto thread = start_thread("partner", partner, {.affinity = CpuSet::only(kBootCpu)});
    if (!thread)
        return {0};
    yield();
    const BenchmarkResult both = instructions_per_turn([] { yield(); });
    over.store(true, std::memory_order_relaxed);
    join(**thread);
    return both.divided_by(2);
}

// An empty function is called by an interrupt on another CPU; measured from the call until its end is seen.
// The instructions of the other CPU, including its waiting, count too. If there is no other CPU, this CPU is
// called.
PERCIVAL_BENCHMARK(ipi_round_trip, None)
{
    const CpuId target{online_cpu_count() == 1 ? 0u : 1u};
    return instructions_per_turn([target] {
        const PreemptGuard pin;
        call_detail::call_by_interrupt(target, [](void*) {}, nullptr);
    });
}

} // namespace
} // namespace percival

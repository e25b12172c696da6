// SPDX-License-Identifier: BSD-2-Clause
// The kernel on the machine: boots it, runs a test in its boot thread, and watches it.
//
// Watched all the time, whatever the test does (kernel.cpp): a thread runs on one CPU at a time, and only on
// one of its affinity. When all is at rest, each queue has the threads that belong there, no thread waits for
// one of lower priority, an idle CPU is known as idle, and each alarm is set for what comes first.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/machine.hpp"

#include <functional>
#include <string>
#include <vector>

namespace percival::testing {

// A tick is so many counts of the clock, and so is a time slice.
inline constexpr u64 kTick = kCountsPerSecond / kTicksPerSecond;
inline constexpr u64 kNanosecondsPerCount = 1'000'000'000 / kCountsPerSecond;

// Boots `cpus` CPUs and runs `test` in the boot thread, which stays on CPU 0. Returns what went wrong.
std::string run_kernel(u32 cpus, u64 seed, const std::function<void()>& test);

// Runs the test with the seeds from 1 to `runs`, or with the one that PERCIVAL_SEED names. Returns what went
// wrong first, and with which seed.
std::string run_kernels(u32 cpus, u32 runs, const std::function<void()>& test);

// The same, but the other CPUs are not started yet: the test brings them up itself, after it has changed the
// board (support/board.hpp). The boot CPU is online already, with the features given.
std::string run_boots(u32 cpus, u32 runs, const std::function<void()>& test,
                      const arch::CpuFeatures& boot_cpu = with_features());

// --- In a test

// Ends the run as failed unless `holds`.
inline void expect(bool holds, const char* what)
{
    if (!holds)
        machine().fail(what);
}
void expect_equal(u64 found, u64 wanted, const char* what);
// Expects low <= found <= high.
void expect_within(u64 found, u64 low, u64 high, const char* what);

// Expects that the kernel has written these lines to the console, in whatever order, and nothing else since
// the last call. A run fails at its end if the kernel has written anything else.
void expect_console(std::vector<std::string> lines);

// A switch of threads, and all that there were in this run.
struct Switch {
    u64 time;
    u32 cpu;
    const Thread* to; // which may have ended since
    Priority priority;
};
const std::vector<Switch>& switches();

// While it lives, no ready thread may wait at rest while a CPU on which it may run is idle.
class NoCpuIsIdleInVain : Immovable {
public:
    NoCpuIsIdleInVain();
    ~NoCpuIsIdleInVain();
};

// While it lives, a thread may be elsewhere than its affinity says, because CPUs come and go.
class AffinityMayLag : Immovable {
public:
    AffinityMayLag();
    ~AffinityMayLag();
};

// While it lives, a CPU may be without its tick.
class WithoutTick : Immovable {
public:
    WithoutTick();
    ~WithoutTick();
};

// Spends time on the CPU.
inline void compute(u64 counts)
{
    machine().compute(counts);
}
inline u64 now()
{
    return machine().now();
}
void sleep_for(u64 counts);
inline u64 choose(u64 count)
{
    const Aside aside;
    return machine().choose(count);
}

// A thread that runs a closure, and is joined at the end.
class Running : Immovable {
public:
    explicit Running(std::function<void()> body, const ThreadOptions& options = {},
                     std::string_view name = "test");
    ~Running();
    Thread& thread() { return *thread_; }
    void join();

private:
    std::function<void()> body_;
    Thread* thread_;
};

inline ThreadOptions on_cpu(u32 cpu, Priority priority = Priority::Normal)
{
    return {.priority = priority, .affinity = CpuSet::only(CpuId{cpu})};
}

} // namespace percival::testing

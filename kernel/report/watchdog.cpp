// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/watchdog.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/lib/patience.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/backtrace_request.hpp"
#include "kernel/report/hardware_watchdogs.hpp"
#include "kernel/report/verdict.hpp"

#include <algorithm>
#include <atomic>

namespace percival {
namespace {

struct Watched {
    std::atomic<const TestName*> test{nullptr};
    // What is left of the test's time, in timer ticks; 0: there is nothing to watch. The CPU that changes it
    // to 0 decides whether the test was in time.
    std::atomic<u64> left{0};
    std::atomic<u64> looked_at{0}; // when a CPU has looked last, in timer ticks
    std::atomic<u64> timeout_seconds{0};
    std::atomic<KtapWriter::Place> place{};
};
constinit Watched watched;

// Where nothing limits the time, a run that prints no line for so long counts as hung: between tests, in
// benchmarks and in the boot.
constexpr u32 kQuietSeconds = 60;
constinit std::atomic<u64> lines_seen{0};
constinit std::atomic<u64> quiet_until{0}; // in timer ticks

// Returns whether the run has printed a line within the last patient_seconds() of kQuietSeconds.
bool prints(u64 now)
{
    if (const u64 lines = console_line_count(); lines != lines_seen.load(std::memory_order_relaxed)) {
        lines_seen.store(lines, std::memory_order_relaxed);
        const u64 seconds = patient_seconds(kQuietSeconds, online_cpu_count());
        quiet_until.store(now + seconds * arch::timer_frequency(), std::memory_order_relaxed);
    }
    return now < quiet_until.load(std::memory_order_relaxed);
}

// Returns whether the run does not end and may still come to a good end (INV-hardware_watchdogs-1). A test
// that runs has time left, or no time limit.
bool is_well(u64 now, bool has_time_left)
{
    if (run_is_ending())
        return false;
    const bool may_take_for_ever =
        current_test() != nullptr && watched.timeout_seconds.load(std::memory_order_relaxed) == 0;
    return has_time_left || may_take_for_ever || prints(now);
}

} // namespace

void begin_watched_test(const TestName& test, KtapWriter::Place place, u32 base_seconds)
{
    const u64 timeout_seconds = patient_seconds(base_seconds, online_cpu_count());
    watched.place.store(place, std::memory_order_relaxed);
    watched.test.store(&test, std::memory_order_relaxed);
    watched.timeout_seconds.store(timeout_seconds, std::memory_order_relaxed);
    watched.looked_at.store(arch::timer_ticks(), std::memory_order_relaxed);
    // Release: a CPU that sees the time also sees the test it is for.
    watched.left.store(timeout_seconds * arch::timer_frequency(), std::memory_order_release);
}

void end_watched_test()
{
    const bool is_limited = watched.timeout_seconds.load(std::memory_order_relaxed) != 0;
    if (is_limited && watched.left.exchange(0, std::memory_order_relaxed) == 0) {
        // Too late: another CPU ends the run. This CPU keeps interrupts unmasked to answer with its
        // backtrace.
        for (;;)
            arch::wait_for_interrupt();
    }
    watched.test.store(nullptr, std::memory_order_relaxed);
}

const TestName* current_test()
{
    return watched.test.load(std::memory_order_relaxed);
}

void report_unfinished_test(KtapAbort why)
{
    if (const TestName* test = current_test())
        end_aborted_run(console_write_line, watched.place.load(std::memory_order_relaxed), test->suite,
                        test->name, why);
}

void check_watchdog(u64 period)
{
    const u64 now = arch::timer_ticks();
    // Only forward: another CPU may have read the time after this one, and stored it before.
    u64 before = watched.looked_at.load(std::memory_order_relaxed);
    while (before < now && !watched.looked_at.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
    }
    const u64 passed = now > before ? std::min(now - before, period) : 0;
    u64 left = watched.left.load(std::memory_order_acquire);
    while (left != 0 && !watched.left.compare_exchange_weak(left, left - std::min(left, passed),
                                                            std::memory_order_acquire)) {
    }
    if (left == 0 || left > passed) {
        if (is_well(now, left != 0))
            hardware_watchdogs().kick(now);
        return;
    }
    // One CPU has come here, and it does not report if a panic is under way.
    const TestName* const test = current_test();
    if (!claim_end_of_run())
        return;
    print("# hang: {}.{} after {} s", test->suite, test->name,
          watched.timeout_seconds.load(std::memory_order_relaxed));
    backtrace_all_cpus();
    end_run(Verdict::Hang);
}

} // namespace percival

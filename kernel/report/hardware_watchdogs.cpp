// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/hardware_watchdogs.hpp"

#include "arch/cpu/poll.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/print.hpp"

namespace percival {
namespace {

constinit HardwareWatchdogs watchdogs;

constexpr u32 kKickSeconds = 1;

// Longer than any watchdog takes that was told to hurry: 2^16 cycles of a clock of 32 kHz are two seconds.
constexpr u64 kResetSeconds = 3;
// The time does not pass before the timer is set up, or if its counter stands still.
constexpr u32 kResetPolls = 100 * arch::kPollLimit;

void wait_for_reset()
{
    const u64 time = kResetSeconds * arch::timer_frequency();
    const u64 begin = arch::timer_ticks();
    u64 now = begin;
    const auto counter_moves = [&now] { return arch::timer_ticks() != now; };
    // Nothing more can be done in either case.
    while (now - begin < time && arch::poll_until(counter_moves, kResetPolls))
        now = arch::timer_ticks();
    if (time == 0)
        static_cast<void>(arch::poll_until([] { return false; }, kResetPolls));
}

} // namespace

void HardwareWatchdogs::take_over(const arch::Watchdog& watchdog)
{
    Kept keep{.watchdog = watchdog};
    if (watchdog.is_armed())
        keep.found = watchdog.stop() ? Found::Stopped : Found::Kicked;
    if (keep.found == Found::Kicked)
        watchdog.kick();
    static_cast<void>(kept_.push(keep)); // has room: the machine's description has no more
}

void HardwareWatchdogs::print() const
{
    for (const Kept& each : kept_) {
        if (each.found == Found::Stopped)
            percival::print("watchdog: {} left running by the firmware; stopped", each.watchdog.address());
        if (each.found == Found::Kicked)
            percival::print("watchdog: {} left running by the firmware; kicked every {} ms",
                            each.watchdog.address(), kKickSeconds * 1000);
    }
}

void HardwareWatchdogs::kick(u64 now)
{
    // A tick earlier than a second, so that an idle CPU, which has one tick in a second, does not miss one.
    const u64 period = arch::timer_frequency() * kKickSeconds * 49 / 50;
    u64 due = next_kick_.load(std::memory_order_relaxed);
    if (now < due || !next_kick_.compare_exchange_strong(due, now + period, std::memory_order_relaxed))
        return;
    for (const Kept& each : kept_) {
        if (each.found == Found::Kicked)
            each.watchdog.kick();
    }
}

void HardwareWatchdogs::reset() const
{
    for (const Kept& each : kept_) {
        each.watchdog.start_reset();
        wait_for_reset();
    }
}

HardwareWatchdogs& hardware_watchdogs()
{
    return watchdogs;
}

} // namespace percival

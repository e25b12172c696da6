// SPDX-License-Identifier: BSD-2-Clause
#include "tests/kernel/support/alarm_storm.hpp"

#include "arch/devices/timer.hpp"
#include "kernel/sched/tick.hpp"
#include "mm/percpu/percpu.hpp"

#include <algorithm>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<AlarmStorm*> storm{};

} // namespace

AlarmStorm::AlarmStorm(u64 alarms, u64 per_second, void (*action)())
    : wanted_{alarms}, shortest_{arch::timer_frequency() / per_second}, action_{action}
{
    storm.write(this);
    take_over_alarm(&ring);
    arch::timer_set_alarm(0);
}

AlarmStorm::~AlarmStorm()
{
    take_over_alarm(nullptr);
    storm.write(nullptr);
}

void AlarmStorm::ring()
{
    storm.read()->handle_alarm();
}

void AlarmStorm::handle_alarm()
{
    const u64 count = alarms_.fetch_add(1, std::memory_order_relaxed);
    action_();
    const bool is_stuck = alarms_of_turn_.fetch_add(1, std::memory_order_relaxed) >= kPatience;
    delay_ = is_stuck ? std::min(2 * delay_ + 1, arch::timer_frequency()) : shortest_;
    arch::timer_set_alarm(delay_ + (count & 63));
}

} // namespace percival

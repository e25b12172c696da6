// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/timer.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/tick_conversion.hpp"

namespace percival::arch {
namespace {

struct CounterFrequency {
    PERCIVAL_SYSTEM_REGISTER(CounterFrequency, "cntfrq_el0")
    using Hertz = Field<31, 0>;
};

struct VirtualCount {
    PERCIVAL_SYSTEM_REGISTER(VirtualCount, "cntvct_el0")
};

struct AlarmTime {
    PERCIVAL_SYSTEM_REGISTER(AlarmTime, "cntv_cval_el0")
};

struct AlarmControl {
    PERCIVAL_SYSTEM_REGISTER(AlarmControl, "cntv_ctl_el0")
    using Enable = Field<0>;
    using Mask = Field<1>;   // keeps the interrupt line low
    using Status = Field<2>; // the time has come; unknown while the alarm is disabled
};

constinit u32 frequency{0};
constinit u32 interrupt{0};

} // namespace

bool timer_init(const TimerDescription& timer)
{
    interrupt = timer.virtual_interrupt;
    frequency = timer.frequency_override != 0
                    ? timer.frequency_override
                    : static_cast<u32>(CounterFrequency::read().get<CounterFrequency::Hertz>());
    return frequency != 0;
}

u64 timer_ticks()
{
    // The ISB keeps the count from being read before earlier instructions execute. Without it the CPU may
    // read the count speculatively, and out of order with another read of it (Arm ARM, "The virtual
    // counter").
    isb();
    return VirtualCount::read().raw;
}

u64 timer_frequency()
{
    return frequency;
}

u64 timer_nanoseconds()
{
    return ticks_to_nanoseconds(timer_ticks(), frequency);
}

u32 timer_interrupt()
{
    return interrupt;
}

void timer_set_alarm(u64 ticks)
{
    const u64 now = timer_ticks();
    // A sum that overflows becomes the latest possible time, so that the alarm is not in the past.
    AlarmTime{ticks > ~u64{0} - now ? ~u64{0} : now + ticks}.write();
    // The ISB makes the new time take effect first. Otherwise the old time could be enabled for a moment.
    isb();
    AlarmControl{}.with<AlarmControl::Enable>(1).write();
    isb();
}

void timer_cancel_alarm()
{
    AlarmControl{}.write();
    // The ISB lowers the interrupt line before the caller ends the interrupt. Otherwise the CPU would take
    // the interrupt a second time.
    isb();
}

bool timer_rings()
{
    const AlarmControl control = AlarmControl::read();
    return control.get<AlarmControl::Enable>() != 0 && control.get<AlarmControl::Mask>() == 0 &&
           control.get<AlarmControl::Status>() != 0;
}

AlarmMute::AlarmMute()
{
    AlarmControl::read().with<AlarmControl::Mask>(1).write();
    isb(); // lowers the interrupt line before the CPU sleeps
}

AlarmMute::~AlarmMute()
{
    AlarmControl::read().with<AlarmControl::Mask>(0).write();
    isb(); // raises the line of an alarm whose time has come meanwhile
}

} // namespace percival::arch

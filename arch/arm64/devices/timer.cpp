// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/timer.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/errata.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/sysreg.hpp"
#include "arch/devices/counter.hpp"
#include "kernel/lib/tick_conversion.hpp"
#include "linker/ro_after_init.hpp"

#include <atomic>

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
    PERCIVAL_SYSTEM_REGISTER_OF_LEVEL(AlarmTime, "cntv_cval_el0", PERCIVAL_WITH_PHYSICAL_TIMER,
                                      "cntp_cval_el0")
};

struct AlarmControl {
    PERCIVAL_SYSTEM_REGISTER_OF_LEVEL(AlarmControl, "cntv_ctl_el0", PERCIVAL_WITH_PHYSICAL_TIMER,
                                      "cntp_ctl_el0")
    using Enable = Field<0>;
    using Mask = Field<1>;   // keeps the interrupt line low
    using Status = Field<2>; // the time has come; unknown while the alarm is disabled
};

PERCIVAL_RO_AFTER_INIT constinit u32 frequency{0};
PERCIVAL_RO_AFTER_INIT constinit u32 interrupt{0};
// Written before the clock is used, and once more when a CPU with an erratum of its own comes up. That CPU
// writes them before it reads the clock; what the others read is right either way.
PERCIVAL_RO_AFTER_INIT constinit CounterErratum erratum_of_machine{CounterErratum::None};
constinit std::atomic<bool> erratum_of_cpu{false};
constinit std::atomic<bool> reads_need_care{false};

CounterErrata counter_errata()
{
    return {erratum_of_machine, erratum_of_cpu.load(std::memory_order_relaxed)};
}

// Reads the count once. The ISB keeps the count from being read before earlier instructions execute. Without
// it the CPU may read the count speculatively, and out of order with another read of it (Arm ARM, "The
// virtual counter").
u64 read_count()
{
    isb();
    return VirtualCount::read().raw;
}

[[gnu::noinline, gnu::cold]] u64 read_count_with_care()
{
    return safe_count(counter_errata(), read_count);
}

} // namespace

std::optional<Alarm> alarm_at(u64 level, const TimerDescription& timer)
{
    if (level == 1)
        return Alarm{timer.virtual_interrupt, false};
    if (timer.hypervisor_virtual_interrupt != 0)
        return Alarm{timer.hypervisor_virtual_interrupt, false};
    if (timer.hypervisor_physical_interrupt != 0)
        return Alarm{timer.hypervisor_physical_interrupt, true};
    return {};
}

bool timer_init(const TimerDescription& timer, const Alarm& alarm)
{
    interrupt = alarm.interrupt;
    erratum_of_machine = timer.counter_erratum;
    timer_init_cpu();
    frequency = timer.frequency_override != 0
                    ? timer.frequency_override
                    : static_cast<u32>(CounterFrequency::read().get<CounterFrequency::Hertz>());
    return frequency != 0;
}

void timer_init_cpu()
{
    if (tears_count_at_rollover(Midr::read().raw))
        erratum_of_cpu.store(true, std::memory_order_relaxed);
    if (counter_errata().any())
        reads_need_care.store(true, std::memory_order_relaxed);
}

void describe_counter_errata(Writer& out)
{
    switch (erratum_of_machine) {
    case CounterErratum::None:
        break;
    case CounterErratum::FslA008585:
        out.put(", until two reads agree (fsl,erratum-a008585)");
        break;
    case CounterErratum::Hisilicon161010101:
        out.put(", until two reads are near (hisilicon,erratum-161010101)");
        break;
    case CounterErratum::AllwinnerUnknown1:
        out.put(", not while its low bits roll over (allwinner,erratum-unknown1)");
        break;
    }
    if (counter_errata().of_cpu)
        out.put(", twice, for rollovers of its lower half (erratum 858921)");
}

u64 timer_ticks()
{
    if (reads_need_care.load(std::memory_order_relaxed)) [[unlikely]]
        return read_count_with_care();
    return read_count();
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
    // The time is absolute: a relative one, in CNTV_TVAL_EL0, would have the CPU add the count itself, which
    // errata make wrong. A sum that overflows becomes the latest possible time, so that the alarm is not in
    // the past.
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
    return control.get<AlarmControl::Enable>() != 0 && control.get<AlarmControl::Status>() != 0;
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

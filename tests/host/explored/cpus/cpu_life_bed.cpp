// SPDX-License-Identifier: BSD-2-Clause
// What the code of CPUs that go off and come back asks of the firmware and of the rest of the kernel.
#include "explored/cpus/cpu_life_bed.hpp"

#include "arch/arm64/devices/parking.hpp"
#include "arch/arm64/devices/smccc.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/roots/check.hpp"

#include <stdexcept>

namespace percival {

constinit MachineDescription testing::described_machine;

const MachineDescription& this_machine()
{
    return testing::described_machine;
}

u64 arch::call_firmware(PsciConduit, u32 function, u64, u64, u64)
{
    constexpr u32 kVersion = 0x8400'0000, kCpuOff = 0x8400'0002, kCpuOn = 0xc400'0003;
    constexpr u32 kAffinityInfo = 0xc400'0004;
    switch (function) {
    case kVersion:
        return 0x1'0001;
    case kCpuOff:
        testing::CpuLife::current->turn_off();
    case kCpuOn:
        testing::CpuLife::current->turn_on();
        return 0;
    case kAffinityInfo:
        return testing::CpuLife::current->has_power() ? 0 : 1;
    default:
        return kNotSupported;
    }
}

bool arch::parking::is_possible()
{
    return false;
}

void arch::parking::park_this_cpu()
{
    throw std::logic_error{"a CPU is parked"};
}

bool arch::parking::is_parked(CpuId)
{
    return false;
}

void arch::parking::release(CpuId, PhysAddr) {}

void arch::interrupt_controller_leave_cpu() {}

std::expected<void, std::string_view> start_cpu(CpuId cpu)
{
    return arch::start_cpu(cpu, PhysAddr{0x4000'0000});
}

CpuSet active_cpus()
{
    return CpuSet::all();
}

bool has_no_threads(CpuId)
{
    return true;
}

void sleep_for_nanoseconds(u64)
{
    arch::relax();
}

void deactivate_cpu(CpuId) {}
void request_switch(CpuId) {}
void reset_idle_thread(CpuId) {}
void stop_tick() {}
void run_queued_calls() {}
void Timer::move_from(CpuId) {}
void rcu::synchronize() {}
void percpu::drain_stocks() {}
void mm::drain_object_stock() {}
void mm::drain_page_cache() {}

bool mm::root_agrees_with_master(CpuId)
{
    return true;
}

} // namespace percival

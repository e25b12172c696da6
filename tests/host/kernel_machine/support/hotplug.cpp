// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/hotplug.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/percpu/area.hpp"

namespace percival::testing {

void take_offline(u32 cpu)
{
    const auto done = take_cpu_offline(CpuId{cpu});
    expect(done.has_value(), "the CPU goes");
    expect(machine().is_off(cpu), "it is off");
    expect(!is_online(CpuId{cpu}), "it is not online");
    expect(!active_cpus().contains(CpuId{cpu}), "it takes no threads");
    expect_equal(run_queues.on(CpuId{cpu}).waiting(), 0, "threads in its queue");
}

void bring_online(u32 cpu)
{
    const auto done = bring_cpu_online(CpuId{cpu});
    expect(done.has_value(), "the CPU comes");
    expect(is_online(CpuId{cpu}), "it is online");
    expect(active_cpus().contains(CpuId{cpu}), "it takes threads");
}

} // namespace percival::testing

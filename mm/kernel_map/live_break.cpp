// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/live_break.hpp"

#include "arch/cpu/barrier.hpp"
#include "mm/percpu/this_cpu.hpp"

namespace percival::mm {
namespace {

PERCIVAL_PERCPU PerCpu<u32> breaking{};

// Without percpu data nothing is recorded: the fault handler then does not retry (is_spurious()).
void set_breaking(u32 value)
{
    if (arch::read_this_cpu_distance() != 0)
        this_cpu<breaking>.write(value);
}

} // namespace

LiveBreak::LiveBreak()
{
    set_breaking(1);
    live_breaks.begun.fetch_add(1, std::memory_order_relaxed);
    // Announce the break before the entries are broken: a CPU that faults on one of them then sees the
    // announcement.
    arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();
}

LiveBreak::~LiveBreak()
{
    // Release, after the new entries were published: a CPU that sees this end also translates through them.
    live_breaks.ended.fetch_add(1, std::memory_order_release);
    set_breaking(0);
}

bool this_cpu_breaks()
{
    return this_cpu<breaking>.read() != 0;
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/others_off_roots.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/off_root.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/patience.hpp"

#include <optional>

namespace percival {
namespace {

void wait(void*)
{
    arch::wait_off_root(this_cpu_id());
}

std::optional<CpuId> first_on_its_root(const CpuSet& asked)
{
    std::optional<CpuId> found;
    asked.for_each([&found](CpuId cpu) {
        if (!found && !arch::is_off_root(cpu))
            found = cpu;
    });
    return found;
}

} // namespace

OthersOffRoots::OthersOffRoots()
{
    arch::begin_hold_off_roots();
    broadcast_.ask(&wait, nullptr);
    const u64 seconds = patient_seconds(kOffRootSeconds, possible_cpu_count());
    const u64 deadline = arch::timer_ticks() + seconds * arch::timer_frequency();
    while (const auto missing = first_on_its_root(broadcast_.asked())) {
        if (arch::timer_ticks() > deadline) {
            arch::end_hold_off_roots();
            panic("cpu{}: does not answer: it should leave its root table for a change", *missing);
        }
        arch::relax();
    }
}

OthersOffRoots::~OthersOffRoots()
{
    arch::end_hold_off_roots();
}

} // namespace percival

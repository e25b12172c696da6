// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/meeting.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/patience.hpp"

namespace percival {
namespace {

constexpr u32 kPatienceSeconds = 30;
constexpr u32 kTurnsPerLook = 4096; // at the clock

} // namespace

void PatientWait::turn()
{
    arch::relax();
    if (++turns_ % kTurnsPerLook != 0)
        return;
    const u64 now = arch::timer_ticks();
    if (deadline_ == 0)
        deadline_ = now + patient_seconds(kPatienceSeconds, online_cpu_count()) * arch::timer_frequency();
    else if (now > deadline_)
        panic("probe: the other CPU does not come");
}

void Meeting::meet(Side self)
{
    std::atomic<u64>& mine = self == Side::Writer ? writer_ : observer_;
    const std::atomic<u64>& others = self == Side::Writer ? observer_ : writer_;
    const u64 count = mine.load(std::memory_order_relaxed) + 1;
    mine.store(count, std::memory_order_release);
    wait_patiently([&others, count] { return others.load(std::memory_order_acquire) >= count; });
}

} // namespace percival

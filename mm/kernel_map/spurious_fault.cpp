// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/spurious_fault.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "mm/kernel_map/live_break.hpp"
#include "mm/percpu/area.hpp"

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<u64> spurious_faults{};

namespace {

// A break takes microseconds; this is a good part of a second, which leaves room for a host that runs the breaking CPU
// late. Counted and not timed, so that a waiting CPU that does not run itself does not lose patience.
constexpr u32 kMaxLooksPerBreak = u32{1} << 19;

// One break may follow the other so closely that no look falls between them, and a look may come but once in each.
constexpr u32 kMaxBreaks = kMaxLooksPerBreak;

// A retry helps at once, unless something is wrong.
constexpr u32 kMaxRetries = 1000;

struct LastFault {
    VirtAddr pc{};
    VirtAddr address{};
    u64 breaks{0};
    u32 retries{0};
};
PERCIVAL_PERCPU PerCpu<LastFault> last_fault{};

bool translates(const TranslationFault& fault)
{
    return fault.is_write ? arch::translates_for_write(fault.address) : arch::translate(fault.address).valid;
}

// How long to wait for what others break: anew for each break that ends, within limits.
class Patience {
public:
    bool is_over(u64 ended)
    {
        if (ended != last_ended_) {
            last_ended_ = ended;
            looks_ = 0;
            ++breaks_;
        }
        return ++looks_ > kMaxLooksPerBreak || breaks_ > kMaxBreaks;
    }

private:
    u64 last_ended_{0};
    u32 looks_{0};
    u32 breaks_{0};
};

// A break that begins and ends between the two looks at the counters is one that the translation may have been
// a victim of: only when none was in progress from before to after does its failure stand.
bool translates_by_now(const TranslationFault& fault)
{
    for (Patience patience;;) {
        const u64 ended = live_breaks.ended.load(std::memory_order_acquire);
        // The load before the walk, which no weaker barrier orders.
        arch::dsb<arch::Shareability::InnerShareable>();
        if (translates(fault))
            return true;
        if (live_breaks.begun.load(std::memory_order_acquire) == ended || this_cpu_breaks() ||
            patience.is_over(ended))
            return false;
        arch::relax();
    }
}

// The same fault again is no progress, unless something was broken since.
bool may_be_retried(const TranslationFault& fault)
{
    LastFault& last = last_fault.on(this_cpu_id());
    const u64 breaks = live_breaks.begun.load(std::memory_order_relaxed);
    if (last.pc != fault.pc || last.address != fault.address || last.breaks != breaks)
        last = {fault.pc, fault.address, breaks, 0};
    return ++last.retries <= kMaxRetries;
}

} // namespace

bool is_spurious(const TranslationFault& fault)
{
    if (arch::read_this_cpu_distance() == 0) // no percpu data yet, and nobody else who maps
        return false;
    if (!translates_by_now(fault) || !may_be_retried(fault))
        return false;
    spurious_faults.inc();
    return true;
}

} // namespace percival::mm

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

// A break takes microseconds. This limit is a good part of a second, in case an emulator's host runs the
// breaking CPU late. It is a count and not a time, so that a waiting CPU that does not run itself does not
// use it up.
constexpr u32 kMaxLooksPerBreak = u32{1} << 19;

// Breaks may follow each other so closely that no look falls between them, and one look may fall into each.
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

// Limits how long the handler waits for breaks of other CPUs. Each break that ends allows a new wait, up to a
// maximum.
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

// Returns whether the access translates, and waits for breaks in progress if it does not. A break that begins
// and ends between the two reads of the counters may have made the translation fail. So a failure counts only
// if no break was in progress from before it to after it.
bool translates_by_now(const TranslationFault& fault)
{
    for (Patience patience;;) {
        const u64 ended = live_breaks.ended.load(std::memory_order_acquire);
        // Orders the load before the walk, which neither an acquire nor a DMB does.
        arch::dsb<arch::Shareability::InnerShareable>();
        if (translates(fault))
            return true;
        if (live_breaks.begun.load(std::memory_order_acquire) == ended || this_cpu_breaks() ||
            patience.is_over(ended))
            return false;
        arch::relax();
    }
}

// Returns whether the access may be retried. The same fault again is no progress, unless a break has begun
// since.
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
    if (arch::read_this_cpu_distance() == 0) // no percpu data yet, and no other CPU that maps anything
        return false;
    if (!translates_by_now(fault) || !may_be_retried(fault))
        return false;
    spurious_faults.inc();
    return true;
}

} // namespace percival::mm

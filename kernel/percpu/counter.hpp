// SPDX-License-Identifier: BSD-2-Clause
// A counter that all CPUs change and hardly anybody reads: each CPU adds to a delta of its own, and as soon
// as that is `batch`, either way, it goes to the common count.
//
//      auto counter = PercpuCounter::make();           // may block; an error when there is no memory
//      counter->add(1);                                // any context
//      counter->approximate()                          // off by less than batch on each CPU
//      counter->sum()                                  // exact, if nobody adds meanwhile
//
// add() needs no pin: the delta is changed by one this_cpu operation, and whoever finds it large takes whatever is
// in the delta of the CPU it is on by then. So no amount is lost or counted twice, however often it migrates, and
// no delta of a CPU goes beyond the batch by more than what is added in one go.
//
// As Linux's percpu_counter, which the figures are beside.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/percpu_memory/allocator.hpp"

#include <atomic>

namespace percival {

class PercpuCounter {
public:
    // Twice the number of CPUs, 32 at least.
    static s32 default_batch();

    // `batch` is from 1 to 2^30.
    static std::expected<PercpuCounter, percpu::Error> make(s64 initial = 0, s32 batch = default_batch());

    // `amount` is less than 2^30 either way.
    void add(s32 amount)
    {
        const s32 delta = deltas_->add_return(amount);
        // Outside of [-most_, most_], by one compare.
        if (static_cast<u32>(delta) + most_ > 2 * most_) [[unlikely]]
            fold();
    }
    void inc() { add(1); }
    void dec() { add(-1); }

    // The common count.
    s64 approximate() const { return std::atomic_ref{common_->count}.load(std::memory_order_relaxed); }
    // With what the possible CPUs have, those that are offline included.
    s64 sum() const;
    // Whether the sum is less than, equal to or greater than `limit`; the deltas are looked at only when the
    // common count is too close to it to tell.
    std::strong_ordering compare(s64 limit) const;

    void set(s64 value);

private:
    struct Common {
        SpinLock lock{};
        s64 count{0};
    };

    PercpuCounter(percpu::Owned<s32> deltas, mm::Owned<Common> common, s32 batch)
        : deltas_{std::move(deltas)}, common_{std::move(common)}, most_{static_cast<u32>(batch) - 1}
    {
    }
    // This CPU's delta goes to the common count.
    void fold();

    percpu::Owned<s32> deltas_;
    mm::Owned<Common> common_;
    u32 most_; // of a delta: the batch less one
};

} // namespace percival

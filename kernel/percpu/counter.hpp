// SPDX-License-Identifier: BSD-2-Clause
// A counter that all CPUs change often and that is rarely read. Each CPU adds to a delta of its own. When the
// absolute value of the delta reaches `batch`, the delta moves to the common count.
//
//      auto counter = PercpuCounter::make();           // may block; an error when there is no memory
//      counter->add(1);                                // any context
//      counter->approximate()                          // off by less than batch for each CPU
//      counter->sum()                                  // exact, if no CPU adds meanwhile
//
// add() needs no Pin. One this_cpu operation changes the delta. A thread that finds it large takes all of the
// delta of the CPU on which it then runs, which may be another one. So no amount is lost or counted twice,
// however often the thread migrates, and no delta exceeds the batch by more than one added amount.
//
// It corresponds to Linux's percpu_counter, beside which the benchmarks put their figures.
#pragma once

#include "kernel/sync/spinlock.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/percpu_memory/allocator.hpp"

#include <atomic>

namespace percival {

class PercpuCounter {
public:
    // Returns twice the number of possible CPUs, but at least 32.
    static s32 default_batch();

    // Creates a counter. `batch` is from 1 to 2^30. May block.
    static std::expected<PercpuCounter, percpu::Error> make(s64 initial = 0, s32 batch = default_batch());

    // Adds `amount`, whose absolute value is less than 2^30. Returns whether that moved a delta to the common
    // count, under the lock that all CPUs share. Any context.
    bool add(s32 amount)
    {
        const s32 delta = deltas_->add_return(amount);
        // One comparison finds whether the delta is outside of [-max_delta_, max_delta_].
        if (static_cast<u32>(delta) + max_delta_ <= 2 * max_delta_) [[likely]]
            return false;
        fold();
        return true;
    }
    void inc() { add(1); }
    void dec() { add(-1); }

    // Returns the common count.
    s64 approximate() const { return std::atomic_ref{common_->count}.load(std::memory_order_relaxed); }
    // Returns the common count plus the deltas of all possible CPUs, offline ones included. Any context.
    s64 sum() const;
    // Compares the sum with `limit`. Reads the deltas only if the common count is too close to `limit` to
    // decide.
    std::strong_ordering compare(s64 limit) const;

    // Sets the count. Amounts that other CPUs add meanwhile may be lost.
    void set(s64 value);

private:
    struct Common {
        SpinLock lock{};
        s64 count{0}; // written under the lock; approximate() reads it without
    };

    PercpuCounter(percpu::Owned<s32> deltas, mm::Owned<Common> common, s32 batch)
        : deltas_{std::move(deltas)}, common_{std::move(common)}, max_delta_{static_cast<u32>(batch) - 1}
    {
    }
    // Moves the delta of this CPU to the common count. Any context.
    void fold();

    percpu::Owned<s32> deltas_;
    mm::Owned<Common> common_;
    u32 max_delta_; // the greatest absolute value a delta keeps: the batch minus one
};

} // namespace percival

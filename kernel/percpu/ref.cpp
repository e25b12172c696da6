// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/ref.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/percpu/area.hpp"

namespace percival {

std::expected<void, percpu::Error> PercpuRef::start(Release release, void* object)
{
    const auto counts = percpu::create<s64>();
    if (!counts)
        return std::unexpected{counts.error()};
    counts_.reset(*counts);
    release_ = release;
    object_ = object;
    count_.store(1 + kBias, std::memory_order_relaxed);
    per_cpu_.store(true, std::memory_order_release);
    return {};
}

// The check of the mode and the count are one RCU reader, so synchronize() in leave_percpu() waits for both.
void PercpuRef::get()
{
    const rcu::ReadGuard counting;
    if (counts_per_cpu())
        counts_->inc();
    else
        count_.fetch_add(1, std::memory_order_relaxed);
}

bool PercpuRef::try_get()
{
    const rcu::ReadGuard counting;
    if (counts_per_cpu()) {
        counts_->inc();
        return true;
    }
    s64 count = count_.load(std::memory_order_relaxed);
    while (count != 0 && !count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
    }
    return count != 0;
}

bool PercpuRef::try_get_alive()
{
    return !is_killed() && try_get();
}

// The CPU that releases the object sees everything that was done under the other references before.
void PercpuRef::put_common()
{
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        release_(object_);
}

void PercpuRef::put()
{
    const rcu::ReadGuard counting;
    if (counts_per_cpu())
        counts_->dec();
    else
        put_common();
}

void PercpuRef::leave_percpu()
{
    if (!counts_per_cpu())
        return;
    per_cpu_.store(false, std::memory_order_relaxed);
    rcu::synchronize(); // from here on no CPU counts for itself (INV-percpu_ref-1)
    s64 total = 0;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
        s64& count = counts_->on(CpuId{cpu});
        total += count;
        count = 0;
    }
    // This cannot reach 0: it includes the reference that kill() gives back.
    count_.fetch_add(total - kBias, std::memory_order_acq_rel);
}

// CPUs that still use the common count after this change it with the bias in it, which INV-percpu_ref-1
// allows.
void PercpuRef::enter_percpu()
{
    count_.fetch_add(kBias, std::memory_order_relaxed);
    per_cpu_.store(true, std::memory_order_release);
}

void PercpuRef::kill()
{
    {
        const MutexGuard guard{switching_};
        PERCIVAL_ASSERT(!is_killed());
        killed_.store(true, std::memory_order_release);
        leave_percpu();
    }
    put_common();
}

void PercpuRef::switch_to_atomic()
{
    const MutexGuard guard{switching_};
    leave_percpu();
}

void PercpuRef::switch_to_percpu()
{
    const MutexGuard guard{switching_};
    if (!is_killed() && !counts_per_cpu())
        enter_percpu();
}

void PercpuRef::restart()
{
    const MutexGuard guard{switching_};
    PERCIVAL_ASSERT(is_killed() && is_zero());
    count_.store(1, std::memory_order_relaxed);
    enter_percpu();
    killed_.store(false, std::memory_order_release);
}

} // namespace percival

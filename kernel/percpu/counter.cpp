// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/counter.hpp"

#include "mm/percpu/area.hpp"

#include <algorithm>

namespace percival {

s32 PercpuCounter::default_batch()
{
    return std::max<s32>(32, 2 * static_cast<s32>(possible_cpu_count()));
}

std::expected<PercpuCounter, percpu::Error> PercpuCounter::make(s64 initial, s32 batch)
{
    auto deltas = percpu::create<s32>();
    if (!deltas)
        return std::unexpected{deltas.error()};
    percpu::Owned<s32> owned{*deltas};
    mm::Owned<Common> common{mm::create<Common>()};
    if (common == nullptr)
        return std::unexpected{percpu::Error::NoMemory};
    common->count = initial;
    return PercpuCounter{std::move(owned), std::move(common), batch};
}

void PercpuCounter::fold()
{
    const IrqSpinGuard guard{common_->lock};
    // Takes the delta as it is now, on the current CPU. A reader that holds the lock finds each amount in
    // exactly one of the delta and the common count.
    const s64 delta = deltas_->xchg(0);
    std::atomic_ref{common_->count}.store(common_->count + delta, std::memory_order_relaxed);
}

s64 PercpuCounter::sum() const
{
    const IrqSpinGuard guard{common_->lock};
    s64 total = common_->count;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        total += std::atomic_ref{deltas_->on(CpuId{cpu})}.load(std::memory_order_relaxed);
    return total;
}

std::strong_ordering PercpuCounter::compare(s64 limit) const
{
    const s64 approximation = approximate();
    const s64 max_error = s64{max_delta_} * possible_cpu_count();
    if (approximation - limit > max_error)
        return std::strong_ordering::greater;
    if (limit - approximation > max_error)
        return std::strong_ordering::less;
    return sum() <=> limit;
}

void PercpuCounter::set(s64 value)
{
    const IrqSpinGuard guard{common_->lock};
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        std::atomic_ref{deltas_->on(CpuId{cpu})}.store(0, std::memory_order_relaxed);
    std::atomic_ref{common_->count}.store(value, std::memory_order_relaxed);
}

} // namespace percival

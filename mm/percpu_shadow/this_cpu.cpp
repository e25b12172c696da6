// SPDX-License-Identifier: BSD-2-Clause
// The check of the this_cpu operations (arch/percpu/shadow.hpp).
#include "arch/cpu/processor.hpp"
#include "arch/percpu/shadow.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/percpu_shadow/check.hpp"

namespace percival::arch {

using percpu::shadow::Access;

void begin_shadowed_operation(u64 local, u64 size, PercpuAccess access)
{
    disable_preemption();
    if (percpu::shadow::is_percpu(local))
        percpu::shadow::check_percpu(VirtAddr{local}, Bytes{size},
                                     access == PercpuAccess::Load    ? Access::LoadValue
                                     : access == PercpuAccess::Store ? Access::Store
                                                                     : Access::UpdateValue);
}

// Not enable_preemption(): with interrupts masked, no switch can have become due since the beginning. One
// that is due already waits for the unmasking, and asking for it again would run this_cpu operations again.
void end_shadowed_operation()
{
    asm volatile("" ::: "memory"); // keeps the operation before the store
    Preemption& own = preemption();
    const std::atomic_ref count{own.count};
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    asm volatile("" ::: "memory"); // keeps the load of due after the store
    if (std::atomic_ref{own.due}.load(std::memory_order_relaxed) != 0 && !interrupts_masked()) [[unlikely]]
        switch_if_due();
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/common_root.hpp"

#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/roots.hpp"

#include <atomic>

namespace percival {
namespace {

// A CPU that comes reads it: it is set while none is coming.
constinit std::atomic<bool> entries_are_shared{false};

void share_on_this_cpu(CpuId self)
{
    arch::install_root(arch::sharing_entries(mm::root_register(mm::cpu_root(self))));
}

} // namespace

void share_tlb_entries()
{
    // INV-common_root-1. install_root() goes by way of the reserved root (INV-root_register-2).
    if (!percpu::roots_are_common() || !system_features().has(arch::CpuFeature::CommonNotPrivate))
        return;
    entries_are_shared.store(true, std::memory_order_relaxed);
    run_everywhere([](CpuId self) { share_on_this_cpu(self); });
}

void share_tlb_entries_of(CpuId self, const arch::CpuFeatures& features)
{
    if (entries_are_shared.load(std::memory_order_relaxed) &&
        features.has(arch::CpuFeature::CommonNotPrivate))
        share_on_this_cpu(self);
}

} // namespace percival

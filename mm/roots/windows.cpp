// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/windows.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/roots.hpp"
#include "mm/roots/slabs.hpp"

namespace percival::mm {
namespace {

constexpr VirtRange kWindow = KernelLayout::kLocalPercpu;

// Points the local window at the tables that map the CPU's slab (INV-roots-1).
std::expected<void, MapError> link_window(CpuId cpu)
{
    KernelPageTable master = master_table();
    constexpr Level kLevel = KernelLayout::kPrivateLevel;
    // The window is not changed later, so the slab gets all tables now that it will ever need at this level.
    const VirtRange slab{local_to_global(kWindow.base, cpu), KernelLayout::kSlabSize};
    if (auto result = master.ensure_tables(slab, kLevel); !result)
        return result;
    auto* window =
        linear_pointer<arch::Pte>(private_table(cpu, kLevel)) + KernelGeometry::index(kLevel, kWindow.base);
    for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {
        const VirtAddr in_slab =
            local_to_global(kWindow.base, cpu) + KernelGeometry::entry_size(kLevel) * entry;
        kernel_tables().store(window + entry, master.walk_to(in_slab, kLevel).pte);
    }
    return {};
}

// Gives the window tables of its own, and maps the CPU's first unit in them. The slab is left as it is.
std::expected<void, MapError> map_window(CpuId cpu)
{
    const PhysAddr unit = master_table().walk(local_to_global(kWindow.base, cpu)).pte.address();
    KernelPageTable own{cpu_root(cpu), kernel_tables()};
    if (auto result = own.ensure_tables(kWindow, KernelLayout::kPrivateLevel); !result)
        return result;
    return own.map({kWindow.base, first_unit_size()}, unit, kData);
}

} // namespace

std::expected<void, MapError> open_window(CpuId cpu)
{
    return percpu::window == percpu::Window::Linked ? link_window(cpu) : map_window(cpu);
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/windows.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/percpu_shadow/places.hpp"
#include "mm/roots/roots.hpp"
#include "mm/roots/slabs.hpp"

namespace percival::mm {
namespace {

constexpr VirtRange kWindow = KernelLayout::kLocalPercpu;

// Points a window of the CPU's root, which begins at `at`, at the tables that map `slab` (INV-roots-1).
std::expected<void, MapError> link_window(CpuId cpu, VirtAddr at, VirtRange slab)
{
    KernelPageTable master = master_table();
    constexpr Level kLevel = KernelLayout::kPrivateLevel;
    // The window is not changed later, so the slab gets all tables now that it will ever need at this level.
    if (auto result = master.ensure_tables(slab, kLevel); !result)
        return result;
    auto* window = linear_pointer<arch::Pte>(private_table(cpu, kLevel)) + KernelGeometry::index(kLevel, at);
    for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {
        const VirtAddr in_slab = slab.base + KernelGeometry::entry_size(kLevel) * entry;
        kernel_tables().store(window + entry, master.walk_to(in_slab, kLevel).pte);
    }
    return {};
}

// Links the local window, and the window of its shadow.
std::expected<void, MapError> link_windows(CpuId cpu)
{
    const VirtRange slab{local_to_global(kWindow.base, cpu), KernelLayout::kSlabSize};
    const auto linked = link_window(cpu, kWindow.base, slab);
    if constexpr (kPercpuShadow) {
        if (linked)
            return link_window(cpu, KernelLayout::kLocalShadow.base, percpu::shadow::shadow_of(slab));
    }
    return linked;
}

// Gives the window of the shadow tables of its own, and maps the shadow of the CPU's first unit in them.
[[maybe_unused]] std::expected<void, MapError> map_shadow_window(CpuId cpu, VirtRange first_unit)
{
    const VirtAddr slab = local_to_global(first_unit.base, cpu);
    const PhysAddr shadow = master_table().walk(percpu::shadow::shadow_of(slab)).pte.address();
    KernelPageTable own{cpu_root(cpu), kernel_tables()};
    if (auto result = own.ensure_tables(KernelLayout::kLocalShadow, KernelLayout::kPrivateLevel); !result)
        return result;
    return percpu::shadow::note_mapped(cpu_root(cpu), first_unit, shadow);
}

// Gives the window tables of its own, and maps the CPU's first unit in them. The slab is left as it is.
std::expected<void, MapError> map_window(CpuId cpu)
{
    const PhysAddr unit = master_table().walk(local_to_global(kWindow.base, cpu)).pte.address();
    KernelPageTable own{cpu_root(cpu), kernel_tables()};
    if (auto result = own.ensure_tables(kWindow, KernelLayout::kPrivateLevel); !result)
        return result;
    const VirtRange first_unit{kWindow.base, first_unit_size()};
    const auto mapped = own.map(first_unit, unit, kData);
    if constexpr (kPercpuShadow) {
        if (mapped)
            return map_shadow_window(cpu, first_unit);
    }
    return mapped;
}

} // namespace

std::expected<void, MapError> open_window(CpuId cpu)
{
    if constexpr (kPercpuShadow)
        percpu::shadow::show({kWindow.base, first_unit_size()});
    switch (percpu::window) {
    case percpu::Window::Linked:
        return link_windows(cpu);
    case percpu::Window::Mapped:
        return map_window(cpu);
    case percpu::Window::None:
        break;
    }
    return {};
}

} // namespace percival::mm

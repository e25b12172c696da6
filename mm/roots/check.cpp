// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/check.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_shadow/places.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {
namespace {

using arch::Pte;

constexpr VirtAddr kWindow = KernelLayout::kLocalPercpu.base;

// Returns the table of `level` on the way from `root` to the local window.
const Pte* table_towards_window(PhysAddr root, Level level)
{
    KernelPageTable table{root, kernel_tables()};
    return table.walk_to(kWindow, level).slot - KernelGeometry::index(level, kWindow);
}

// Returns true if the table of `level` on the way to the local window equals the master's in all shared
// entries.
bool level_agrees(PhysAddr root, Level level)
{
    const Pte* own = table_towards_window(root, level);
    const Pte* master = table_towards_window(master_root(), level);
    for (u64 index = 0; index < KernelGeometry::entries(level); ++index) {
        if (!KernelLayout::is_private(level, index) && own[index] != master[index])
            return false;
    }
    return true;
}

// Returns true if the window maps each page of the first unit to the page that the slab maps there. A mapped
// window has tables of its own, so its descriptors cannot be compared with the slab's.
bool window_is_mapped_to_slab(CpuId cpu, VirtAddr window, VirtAddr slab)
{
    const Bytes unit = percpu::first_chunk()->size;
    const KernelPageTable own{cpu_root(cpu), kernel_tables()};
    for (Bytes offset{0}; offset < unit; offset += KernelGeometry::kPageSize) {
        const auto here = own.walk(window + offset);
        const auto there = master_table().walk(slab + offset);
        if (here.kind() != PteKind::Leaf || here.pte.address() != there.pte.address())
            return false;
    }
    return true;
}

// Returns true if the window at `at` in the root of `cpu` shows `slab`, in the way that `percpu.window` asks
// for, or shows nothing if there are no windows.
bool window_shows_slab(CpuId cpu, VirtAddr at, VirtAddr slab)
{
    if (percpu::window == percpu::Window::Mapped)
        return window_is_mapped_to_slab(cpu, at, slab);
    const bool is_empty = percpu::window == percpu::Window::None;
    const Pte* window = table_towards_window(cpu_root(cpu), KernelLayout::kPrivateLevel) +
                        KernelGeometry::index(KernelLayout::kPrivateLevel, at);
    for (u64 entry = 0; entry < KernelLayout::kWindowEntries; ++entry) {
        const VirtAddr in_slab = slab + KernelGeometry::entry_size(KernelLayout::kPrivateLevel) * entry;
        const Pte shown = master_table().walk_to(in_slab, KernelLayout::kPrivateLevel).pte;
        if (window[entry] != (is_empty ? Pte{} : shown))
            return false;
    }
    return true;
}

} // namespace

bool root_agrees_with_master(CpuId cpu)
{
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
         level = level.down()) {
        if (!level_agrees(cpu_root(cpu), level))
            return false;
    }
    const VirtAddr slab = local_to_global(kWindow, cpu);
    if constexpr (kPercpuShadow) {
        using percpu::shadow::shadow_of;
        if (!window_shows_slab(cpu, shadow_of(kWindow), shadow_of(slab)))
            return false;
    }
    return window_shows_slab(cpu, kWindow, slab);
}

} // namespace percival::mm

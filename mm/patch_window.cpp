// SPDX-License-Identifier: BSD-2-Clause
#include "mm/patch_window.hpp"

#include "kernel/assert.hpp"
#include "mm/fixmap.hpp"
#include "mm/kernel_tables.hpp"

namespace percival::mm {

PatchWindow::PatchWindow(const u32* instruction)
{
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    const PhysAddr physical = image_to_physical(instruction);
    const PhysAddr page = physical.align_down(kPage);
    // The tables of the fixmap exist since boot, so this cannot run out of memory.
    PERCIVAL_ASSERT(master_table().map(kFixmapPatch, page, kData).has_value());
    writable_ = reinterpret_cast<u32*>((kFixmapPatch.base + (physical - page)).raw());
}

PatchWindow::~PatchWindow()
{
    KernelTlbBatch batch{kernel_tables()};
    PERCIVAL_ASSERT(master_table().unmap(kFixmapPatch, batch).has_value());
}

} // namespace percival::mm

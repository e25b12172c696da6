// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vmap.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/vmalloc/vm_allocation.hpp"
#include "mm/vmalloc/vm_mapping.hpp"
#include "mm/vmalloc/vm_region.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

KernelPageTable table_under(PhysAddr root)
{
    return {root, kernel_tables()};
}

// Returns true if descriptors have room for the physical addresses of `pages`.
bool has_descriptors(PhysRange pages)
{
    const PhysAddr last = pages.end() - kPage;
    return last >= pages.base && arch::Pte::leaf(last, kLastLevel, kDeviceRegisters).address() == last;
}

VmError to_vm_error(MapError error)
{
    return error == MapError::NoMemory ? VmError::NoMemory : VmError::BadAddress;
}

} // namespace

std::expected<void, MapError> vmap_range(PhysAddr root, VirtAddr at, std::span<const PhysAddr> pages,
                                         Attributes attributes)
{
    return table_under(root).map_pages(at, pages, attributes);
}

std::expected<void, MapError> vunmap_range(PhysAddr root, VirtRange range)
{
    if (!range.base.is_aligned(kPage) || !range.end().is_aligned(kPage))
        return std::unexpected{MapError::Misaligned};
    KernelPageTable table = table_under(root);
    if (!table.is_mapped_by_whole_leaves(range))
        return std::unexpected{MapError::NotMapped};
    table.clear(range);
    return {};
}

void flush_vm_range(VirtRange range)
{
    KernelTlbBatch batch{kernel_tables()};
    batch.add_leaves(range, kPage);
}

std::expected<void*, VmError> vmap(std::span<const PhysAddr> pages, Attributes attributes)
{
    const Bytes size = kPage * pages.size();
    const VirtAddr caller = address_of(__builtin_return_address(0));
    const auto area = allocate_area(size, kPage, VmKind::Vmap, caller);
    if (!area)
        return std::unexpected{area.error()};
    const VirtAddr base = (*area)->range.base;
    if (const auto mapped = map_into(**area, pages, attributes); !mapped) {
        undo_area(**area, Bytes{0});
        return std::unexpected{to_vm_error(mapped.error())};
    }
    commit_area(**area, size);
    // SAFETY: the caller's pages are mapped at these addresses.
    return reinterpret_cast<void*>(base.raw());
}

void vunmap(void* address)
{
    if (address != nullptr)
        free_area(address_of(address), VmKind::Vmap);
}

std::expected<VirtAddr, VmError> ioremap(PhysRange registers)
{
    if (registers.is_empty())
        return std::unexpected{VmError::BadSize};
    const PhysAddr start = registers.base.align_down(kPage);
    const Bytes size = registers.end().align_up(kPage) - start;
    if (!has_descriptors({start, size}))
        return std::unexpected{VmError::BadAddress};
    // Not from this CPU's spares: the console's registers are mapped before the percpu area exists.
    const auto area = vmalloc_region().allocate(size, kPage);
    if (!area)
        return std::unexpected{area.error()};
    (*area)->kind = VmKind::Device;
    (*area)->caller = address_of(__builtin_return_address(0));
    const VirtAddr base = (*area)->range.base;
    if (const auto mapped = master_table().map({base, size}, start, kDeviceRegisters); !mapped) {
        undo_area(**area, Bytes{0});
        return std::unexpected{to_vm_error(mapped.error())};
    }
    commit_area(**area, size);
    return base + (registers.base - start);
}

void iounmap(VirtAddr registers)
{
    free_area(registers.align_down(kPage), VmKind::Device);
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/seal.hpp"

#include "kernel/lib/assert.hpp"
#include "linker/symbols.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

std::expected<void, MapError> make_read_only(VirtRange range, KernelTlbBatch& batch)
{
    return master_table().protect(range, kReadOnlyData, batch);
}

// Seals a table that lies in the image, through both of its aliases.
std::expected<void, MapError> seal_boot_table(PhysAddr table, KernelTlbBatch& batch)
{
    const VirtAddr in_image = physical_to_image(table);
    // Only the boot tables are mapped by single pages; elsewhere in the image the page may be part of a
    // block. The assertion holds for the master's tables too: the local window lies in the same span as the
    // image, so the tables on the way to it were made when the image was mapped.
    PERCIVAL_ASSERT(in_image >= address_of(_boot_tables) && in_image < address_of(_eboot_tables));
    if (auto result = make_read_only({in_image, kPage}, batch); !result)
        return result;
    return make_read_only({linear_address(table), kPage}, batch);
}

} // namespace

std::expected<void, MapError> seal_roots(PhysRange private_tables)
{
    KernelTlbBatch batch{kernel_tables()};
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
         level = level.down()) {
        if (auto result = seal_boot_table(master_table_of(level), batch); !result)
            return result;
    }
    for (const boot::TablePage* table : {&boot::boot_tables.reserved, &boot::boot_tables.idmap}) {
        if (auto result = seal_boot_table(image_to_physical(table), batch); !result)
            return result;
    }
    if (private_tables.is_empty())
        return {};
    return make_read_only({linear_address(private_tables.base), private_tables.size}, batch);
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/ro_after_init.hpp"

#include "kernel/lib/assert.hpp"
#include "linker/ro_after_init.hpp"
#include "linker/symbols.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"

namespace percival::mm {
namespace {

PERCIVAL_RO_AFTER_INIT constinit bool is_sealed = false;

} // namespace

VirtRange init_data()
{
    return {address_of(_ro_after_init), address_of(_ero_after_init) - address_of(_ro_after_init)};
}

void seal_init_data()
{
    is_sealed = true;
    const VirtRange in_image = init_data();
    const VirtRange in_linear_map{linear_address(image_to_physical(_ro_after_init)), in_image.size};
    KernelTlbBatch batch{kernel_tables()};
    for (const VirtRange range : {in_image, in_linear_map}) {
        const bool done = master_table().protect(range, kReadOnlyData, batch).has_value();
        PERCIVAL_ASSERT(done); // both are mapped, by single pages
    }
}

bool init_data_is_sealed()
{
    return is_sealed;
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Where the loader put the image: a thing in it has an address in the image window and a physical address.
// Any context, once the MMU is on.
#pragma once

#include "kernel/lib/address.hpp"
#include "linker/symbols.hpp"
#include "mm/image/boot_tables.hpp"

namespace percival::mm {

// Returns the physical address of a thing in the image.
inline PhysAddr image_to_physical(const volatile void* thing)
{
    return boot::handoff.image + (address_of(thing) - address_of(_image_start));
}

// Returns the address in the image window of what lies at `address`, a physical address of the image.
inline VirtAddr physical_to_image(PhysAddr address)
{
    return address_of(_image_start) + (address - boot::handoff.image);
}

// Returns the memory that the loader put the image into, BSS included.
inline PhysRange image_in_memory()
{
    return {boot::handoff.image, address_of(_image_end) - address_of(_image_start)};
}

} // namespace percival::mm

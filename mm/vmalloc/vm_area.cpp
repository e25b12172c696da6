// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_area.hpp"

#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"

#include <array>

namespace percival::mm {
namespace {

// Enough for the console's registers and the stacks, with the holes around them.
constexpr std::size_t kAtBoot = 16;

// Handed out before the page allocator starts, when only the boot CPU runs. So no lock guards the count.
constinit std::array<VmArea, kAtBoot> at_boot{};
constinit std::size_t taken_at_boot = 0;

bool is_from_boot(const VmArea* area)
{
    return area >= at_boot.begin() && area < at_boot.end();
}

} // namespace

VmArea* new_area_note()
{
    if (page_allocator_has_started())
        return create<VmArea>();
    return taken_at_boot == kAtBoot ? nullptr : &at_boot[taken_at_boot++];
}

void delete_area_note(VmArea* area)
{
    // Notes from the array are few, so they are not used again.
    if (!is_from_boot(area))
        destroy(area);
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/pages/page_allocator.hpp: what bring-up and CPU hotplug need of it.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/physical/page_order.hpp"

#include <optional>

namespace percival::mm {

std::optional<PhysAddr> allocate_pages(PageOrder order);
void drain_page_cache();

} // namespace percival::mm

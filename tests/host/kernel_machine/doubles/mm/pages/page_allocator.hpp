// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/pages/page_allocator.hpp: what CPU hotplug needs of it.
#pragma once

namespace percival::mm {

void drain_page_cache();

} // namespace percival::mm

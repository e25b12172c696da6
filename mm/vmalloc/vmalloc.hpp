// SPDX-License-Identifier: BSD-2-Clause
// Memory that is contiguous in its addresses only: any size, from pages wherever they are free.
//
// Blocks of pages as large as there are, each mapped by the largest leaves and runs that fit, with an unmapped
// guard page behind the last byte's page. Any context on a CPU that runs on its own root. Memory is not zeroed
// unless the name says so.
//
// A wrong vfree() (not the start of an allocation, or freed already) is reported on the console, counted
// (MemoryStatistics::bad_frees), and otherwise without effect.
#pragma once

#include "mm/physical/numa.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

// `size` in bytes, not 0; it is rounded up to whole pages. `alignment` of the address: a power of two; a page at
// least. Memory of `node` first, or of the CPU's own.
std::expected<void*, VmError> vmalloc(Bytes size, Bytes alignment = Bytes{1},
                                      std::optional<NumaNode> node = {});
std::expected<void*, VmError> vzalloc(Bytes size, Bytes alignment = Bytes{1},
                                      std::optional<NumaNode> node = {});

// Null is no allocation, and ignored. The pages are free for others after the next flush (mm/vmalloc/vm_freed.hpp).
void vfree(void* address);

} // namespace percival::mm

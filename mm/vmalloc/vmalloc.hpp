// SPDX-License-Identifier: BSD-2-Clause
// vmalloc() allocates memory of any size that is contiguous only in its virtual addresses; its pages may lie
// anywhere.
//
// The memory consists of the largest free blocks of pages, each mapped by the largest leaves and contiguous
// runs that fit. An unmapped guard page follows the page of the last byte. Only vzalloc() zeroes the memory.
// Any context on a CPU that runs on its own root.
//
// A wrong vfree() (not the start of an allocation, or freed already) is reported on the console, counted
// (MemoryStatistics::bad_frees), and otherwise without effect.
#pragma once

#include "mm/physical/numa.hpp"
#include "mm/vmalloc/vm_area.hpp"

#include <expected>
#include <optional>

namespace percival::mm {

// Allocate `size` bytes, not 0, rounded up to whole pages. The address is a multiple of `alignment`, a power
// of two, and of the page size. Memory comes from `node` if that has some, or else from the CPU's own node
// first. Errors: BadSize, BadAlignment, NoAddresses, NoMemory.
std::expected<void*, VmError> vmalloc(Bytes size, Bytes alignment = Bytes{1},
                                      std::optional<NumaNode> node = {});
std::expected<void*, VmError> vzalloc(Bytes size, Bytes alignment = Bytes{1},
                                      std::optional<NumaNode> node = {});

// Frees an allocation; ignores null. The pages can be allocated again after the next flush
// (mm/vmalloc/vm_freed.hpp).
void vfree(void* address);

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Finds in UEFI's memory map what the kernel may use, and what can be read. Also on the host.
#pragma once

#include "kernel/firmware/firmware_memory.hpp"

#include <cstddef>
#include <span>

namespace percival::boot::uefi {

// Adds the memory that is free once boot services have ended (UEFI 2.10, table 7.10): what is conventional,
// and what belonged to loaders or to boot services, if it may be cached. Everything else stays with the
// firmware: its run-time services, its tables, and memory that it reserved. `entry_size` is the distance of
// two entries, in bytes; an entry that is cut short is not read.
void add_usable_memory(std::span<const std::byte> map, std::size_t entry_size, FirmwareMemory& memory);

// Returns whether the firmware maps all of the range as memory that can be read: no registers of a device, no
// memory with errors, and no address of which the map says nothing.
bool is_readable(std::span<const std::byte> map, std::size_t entry_size, PhysRange range);

} // namespace percival::boot::uefi

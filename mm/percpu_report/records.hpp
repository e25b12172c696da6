// SPDX-License-Identifier: BSD-2-Clause
// Who allocated and who freed percpu objects: the callers of the latest objects, in a table of fixed size. An
// object that begins where an earlier one did, or that meets it in the table, takes its place. Any context.
#pragma once

#include "kernel/lib/address.hpp"

#include <array>
#include <optional>

namespace percival::percpu::shadow {

// Return addresses, from the inside out. 0 ends a shorter trace.
using Trace = std::array<VirtAddr, 8>;

struct Record {
    VirtAddr object; // its local address
    Trace allocated;
    Trace freed; // empty while the object is allocated
};

// Record that the caller allocates the object at the local address `object`, and that it frees it.
void record_allocation(VirtAddr object);
void record_free(VirtAddr object);

// Returns the record of the last object that began at `object`, if the table still has it.
std::optional<Record> record_of(VirtAddr object);

} // namespace percival::percpu::shadow

// SPDX-License-Identifier: BSD-2-Clause
// What the readers of single tables share: entries behind a table's header, and ranges of addresses that can
// be. Boot only; also on the host.
#pragma once

#include "boot/acpi/error.hpp"
#include "boot/acpi/table_bytes.hpp"
#include "kernel/device_tree/machine.hpp"

namespace percival::boot::acpi {

// Receives the faults of tables that are not fatal.
struct Notes {
    void (*note)(void* context, const Error& error);
    void* context;

    void operator()(const Error& error) const { note(context, error); }
};

// The processor UIDs by which SRAT and PPTT name CPUs, in the order of MachineDescription::cpus.
using Uids = BoundedVector<u32, kMaxCpus>;

// An entry of MADT, SRAT or PPTT: a byte for its type, a byte for its length.
struct Entry {
    u8 type;
    u32 offset; // in the table
    TableBytes bytes;
};

// Calls visit(Entry) for each entry behind the first `header` bytes. Notes an entry whose length is not
// possible, where the walk ends.
template <class Visit>
void for_each_entry(TableBytes table, std::size_t header, Notes notes, Visit visit)
{
    for (std::size_t at = header; at < table.size();) {
        const std::size_t length = table.byte(at + 1);
        const TableBytes bytes = table.part(at, length);
        if (length < 2 || bytes.size() != length)
            return notes(wrong(table.signature(), "length",
                               "an entry's is not possible; what follows is not read", at));
        visit(Entry{table.byte(at), static_cast<u32>(at), bytes});
        at += length;
    }
}

// Returns whether the range lies within the physical addresses; an empty one does not.
inline bool is_addressable(PhysRange range)
{
    return !range.is_empty() && range.base < kPhysicalLimit && range.size <= kPhysicalLimit - range.base;
}

// Returns whether a device can have these registers.
inline bool is_possible(PhysRange range)
{
    return is_addressable(range) && range.base.raw() != 0;
}

} // namespace percival::boot::acpi

// SPDX-License-Identifier: BSD-2-Clause
// Says what must not be among the mappings of the kernel. Pure functions of a run of mappings
// (mm/page_table/dump.hpp), on the host too. mm/roots/mapping_audit.hpp applies them to all roots.
#pragma once

#include "mm/page_table/dump.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace percival::mm {

enum class MappingFlaw : u8 {
    OpenToUserMode,        // unprivileged code may read, write or execute
    WritableAndExecutable, // in one mapping
    WritableAlias,         // a writable mapping of memory that is to be read-only at every address
    NotEmpty,              // a mapping in a tree that must have none
};

constexpr std::string_view name_of(MappingFlaw flaw)
{
    switch (flaw) {
    case MappingFlaw::OpenToUserMode:
        return "open to user mode";
    case MappingFlaw::WritableAndExecutable:
        return "writable and executable";
    case MappingFlaw::WritableAlias:
        return "a writable alias of read-only memory";
    case MappingFlaw::NotEmpty:
        return "in a tree that must be empty";
    }
    return "?";
}

struct FlawedMapping {
    MappingFlaw flaw;
    PhysAddr root;
    VirtRange range; // only the part of the run that has the flaw
    PhysAddr to;
    Rights rights;
};

// Calls visit(FlawedMapping) for each flaw of a run in the tree under `root`. No address may give a right to
// write to the memory of `read_only`.
template <class Visit>
void for_each_flaw(PhysAddr root, const MappedRun& run, std::span<const PhysRange> read_only, Visit visit)
{
    if (run.rights.user)
        visit(FlawedMapping{MappingFlaw::OpenToUserMode, root, run.range, run.to, run.rights});
    if (!run.rights.writable)
        return;
    if (run.rights.executable)
        visit(FlawedMapping{MappingFlaw::WritableAndExecutable, root, run.range, run.to, run.rights});
    for (const PhysRange& memory : read_only) {
        if (!memory.overlaps({run.to, run.range.size}))
            continue;
        const PhysAddr first = std::max(memory.base, run.to);
        const Bytes size = std::min(memory.end(), run.to + run.range.size) - first;
        visit(FlawedMapping{
            MappingFlaw::WritableAlias, root, {run.range.base + (first - run.to), size}, first, run.rights});
    }
}

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Completes the master root before it is copied. Every entry of a private table that a region may ever use
// then points to a table, an empty one where nothing is mapped yet. Later mappings go into tables that all
// roots share, so no mapping has to be copied from root to root.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Makes the missing tables of all shared regions in the master root. `cpus` is the number of possible CPUs;
// it says how much of the global percpu area will be used. Boot CPU, once, before setup_percpu_areas()
// (mm/roots/roots.hpp). Error: NoMemory.
std::expected<void, MapError> complete_master_root(u32 cpus);

// Cost of complete_master_root(): the tables made, which map nothing yet, and the instructions spent on them.
// `instructions` is 0 on a machine that cannot count them.
struct RootCompleteness {
    u64 tables;
    u64 instructions;
};
// Returns the cost. Any context, after complete_master_root().
const RootCompleteness& root_completeness();

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Roots are complete at boot: every entry of a private table that a region can ever use points to a table, so
// that nothing has to be synchronized between roots later.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Makes the tables of all shared regions in the master root. `cpus` says how much of the global percpu area
// will be used. Boot CPU, once, before setup_percpu_areas() (mm/roots/roots.hpp).
std::expected<void, MapError> complete_master_root(u32 cpus);

// What that cost: tables that map nothing yet, and the instructions it took to make them (0 where they cannot
// be counted). After complete_master_root().
struct RootCompleteness {
    u64 tables;
    u64 instructions;
};
const RootCompleteness& root_completeness();

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Makes the slabs: the part of the global percpu area that belongs to one possible CPU each. They lie side by
// side. At boot a slab holds the CPU's unit of the first percpu chunk, which begins with the CPU's copy of
// the static percpu section.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"
#include "mm/physical/numa.hpp"

#include <expected>

namespace percival::mm {

// Returns the size of the unit at the start of each slab. Panics if the static percpu data do not fit into a
// slab. Any context.
Bytes first_unit_size();

// Allocates the first unit of `cpu`, from `node` if that has memory. Fills it from the section's template and
// maps it at the start of the CPU's slab in the master root. Boot CPU, once per CPU, before any root is made.
std::expected<void, MapError> make_slab(CpuId cpu, NumaNode node);

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// The slabs: one per possible CPU, side by side in the global percpu area. At boot each holds the first
// chunk's unit, which begins with the CPU's copy of the static percpu section.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"
#include "mm/physical/numa.hpp"

#include <expected>

namespace percival::mm {

// Bytes of the unit at the start of each slab. Panics if the static percpu data do not fit into a slab.
Bytes first_unit_size();

// Allocates the first unit of `cpu`, from `node` if that has memory, fills it from the template, and maps it
// at the start of the CPU's slab. Boot CPU, once per CPU, before any root is made.
std::expected<void, MapError> make_slab(CpuId cpu, NumaNode node);

} // namespace percival::mm

// SPDX-License-Identifier: BSD-2-Clause
// Checks that the root of a CPU is what setup_percpu_areas() and sync_roots() must make of it.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::mm {

// Returns true if the private tables of `cpu` equal the master's in every shared entry, and if the local
// window leads to the CPU's own slab. Only reads. Any context, after setup_percpu_areas(); nobody may change
// private tables meanwhile.
bool root_agrees_with_master(CpuId cpu);

} // namespace percival::mm

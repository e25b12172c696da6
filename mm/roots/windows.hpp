// SPDX-License-Identifier: BSD-2-Clause
// Opens the local window in the root of a CPU, so that it shows the CPU's slab. A linked window uses the
// slab's own descriptors; a mapped window has tables of its own (mm/percpu/window.hpp says which kind is
// used).
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Makes the window in the root of `cpu` show the CPU's slab. Does not publish: the caller does, once for all
// CPUs. Boot CPU, once per CPU, after the CPU's slab and private tables are made and before they are sealed.
std::expected<void, MapError> open_window(CpuId cpu);

} // namespace percival::mm

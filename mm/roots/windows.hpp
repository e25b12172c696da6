// SPDX-License-Identifier: BSD-2-Clause
// The local window of a CPU's root, which shows the CPU's slab: by the slab's own descriptors, or by tables
// of its own (mm/percpu/window.hpp).
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/address_space/mapping.hpp"

#include <expected>

namespace percival::mm {

// Makes the window in the root of `cpu` show the CPU's slab. Boot CPU, once per CPU, when its slab and its
// private tables are made.
std::expected<void, MapError> open_window(CpuId cpu);

} // namespace percival::mm

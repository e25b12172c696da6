// SPDX-License-Identifier: BSD-2-Clause
// Whether a CPU's root is what it should be: the master's in every entry, but for the local percpu window, which
// shows the CPU's own slab. Reads only. Any context; nobody may change private tables meanwhile.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::mm {

bool root_agrees_with_master(CpuId cpu);

} // namespace percival::mm

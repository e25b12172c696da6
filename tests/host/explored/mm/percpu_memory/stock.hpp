// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/percpu_memory/stock.hpp for CPUs that the explorer interleaves: what a CPU that goes off
// calls.
#pragma once

namespace percival::percpu {

void drain_stocks();

} // namespace percival::percpu

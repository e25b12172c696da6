// SPDX-License-Identifier: BSD-2-Clause
// Prints the state of the percpu allocator (boot argument `percpuinfo`). May block.
#pragma once

namespace percival {

void print_percpuinfo();

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// What the percpu allocator has: boot argument `percpuinfo`. May block.
#pragma once

namespace percival {

void print_percpuinfo();

} // namespace percival

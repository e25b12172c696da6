// SPDX-License-Identifier: BSD-2-Clause
// The scratch registers of an operation's asm statement: arch/percpu/site.hpp and arch/percpu/in_line.hpp
// name those that their sequences use.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

struct PercpuScratch {
    u32 scratch;
    u64 global, distance;
};

} // namespace percival::arch

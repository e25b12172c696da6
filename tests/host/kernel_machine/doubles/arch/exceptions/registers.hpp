// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/exceptions/registers.hpp: interrupted code has no registers.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

struct Registers {
    u32 restarts{0}; // how often the handler has looked whether a sequence was interrupted
    u32 resumes{0};  // how often it has let a noted operation continue
};

} // namespace percival::arch

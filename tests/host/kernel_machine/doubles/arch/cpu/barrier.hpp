// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/cpu/barrier.hpp: memory is sequentially consistent.
#pragma once

namespace percival::arch {

inline void isb() {}

} // namespace percival::arch

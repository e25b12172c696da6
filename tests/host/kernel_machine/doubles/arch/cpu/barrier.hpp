// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/cpu/barrier.hpp: memory is sequentially consistent, and a CPU executes the
// text as it was when it last came here (support/percpu_text.cpp).
#pragma once

namespace percival::arch {

void isb();

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
#include "arch/percpu_modes/restart.hpp"

#include <algorithm>
#include <span>

extern "C" const percival::arch::Restartable __start_restartable[], __stop_restartable[];

namespace percival::arch {

u64 restarted(u64 pc)
{
    const std::span all{__start_restartable, __stop_restartable};
    // Find the last sequence that begins at or before the PC (INV-restart-2).
    const auto after = std::ranges::upper_bound(all, pc, {}, &Restartable::begin);
    if (after == all.begin())
        return pc;
    const Restartable& sequence = *(after - 1);
    return pc - sequence.begin() < sequence.length ? sequence.begin() : pc;
}

} // namespace percival::arch

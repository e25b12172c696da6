// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/percpu_modes/restart.hpp: it has no restartable sequences, and notes that the
// handler looks for one.
#pragma once

#include "arch/exceptions/registers.hpp"

namespace percival::arch {

inline void restart_percpu_operation(Registers& interrupted)
{
    ++interrupted.restarts;
}

} // namespace percival::arch

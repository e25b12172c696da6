// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/barrier.hpp: the simulated machine's barriers, or nothing without one. Its
// enumerations are in arch/simulation/simulation.hpp. Nothing on the host needs a DMB.
#pragma once

#include "arch/simulation/simulation.hpp"

namespace percival::arch {

template <Shareability S, Access A = Access::Any>
inline void dsb()
{
    if (simulation != nullptr)
        simulation->dsb(S, A);
}

inline void isb()
{
    if (simulation != nullptr)
        simulation->isb();
}

} // namespace percival::arch

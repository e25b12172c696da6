// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/barrier.hpp: the barriers of the simulated machine and of the register
// model, or nothing without either. Its enumerations are in arch/simulation/simulation.hpp.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "arch/simulation/simulation.hpp"

namespace percival::arch {

template <Shareability S, Access A = Access::Any>
inline void dsb()
{
    if (simulation != nullptr)
        simulation->dsb(S, A);
    if (register_model != nullptr)
        register_model->dsb(S, A);
}

template <Shareability S, Access A = Access::Any>
inline void dmb()
{
    if (simulation != nullptr)
        simulation->dmb(A);
    if (register_model != nullptr)
        register_model->dmb(S, A);
}

inline void isb()
{
    if (simulation != nullptr)
        simulation->isb();
    if (register_model != nullptr)
        register_model->isb();
}

} // namespace percival::arch

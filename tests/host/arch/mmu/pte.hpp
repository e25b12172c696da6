// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/mmu/pte.hpp: the descriptors of the simulated machine.
#pragma once

#include "arch/simulation/simulated_pte.hpp"

namespace percival::arch {

using Pte = SimulatedPte;

} // namespace percival::arch

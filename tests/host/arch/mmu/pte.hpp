// SPDX-License-Identifier: BSD-2-Clause
// The host's arch/mmu/pte.hpp: the simulated machine's descriptors.
#pragma once

#include "arch/simulation/simulated_pte.hpp"

namespace percival::arch {

using Pte = SimulatedPte;

} // namespace percival::arch

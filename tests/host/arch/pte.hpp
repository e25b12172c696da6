// SPDX-License-Identifier: BSD-2-Clause
// The host's arch/pte.hpp: the simulated machine's descriptors.
#pragma once

#include "arch/simulated_pte.hpp"

namespace percival::arch {

using Pte = SimulatedPte;

} // namespace percival::arch

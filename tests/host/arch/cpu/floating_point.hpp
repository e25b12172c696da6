// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own type of CPACR_EL1, as a value.
#pragma once

#include "arch/arm64/include/arch/cpu/floating_point.hpp"

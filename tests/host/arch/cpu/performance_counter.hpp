// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own types of the PMU's registers, as values.
#pragma once

#include "arch/arm64/include/arch/cpu/performance_counter.hpp"

// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own ID registers, as values.
#pragma once

#include "arch/arm64/include/arch/cpu/id_registers.hpp"

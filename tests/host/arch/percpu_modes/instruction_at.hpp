// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own header: it needs nothing that the host lacks.
#pragma once

#include "arch/arm64/include/arch/percpu_modes/instruction_at.hpp"

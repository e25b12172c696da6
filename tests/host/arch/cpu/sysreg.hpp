// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own types of system registers. On the host their values and fields can be used; nothing may
// call a read() or write().
#pragma once

#include "arch/arm64/include/arch/cpu/sysreg.hpp"

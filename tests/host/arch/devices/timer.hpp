// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own header: it needs nothing that the host lacks. Programs without the kernel's driver link
// support/clock.cpp.
#pragma once

#include "arch/arm64/include/arch/devices/timer.hpp"

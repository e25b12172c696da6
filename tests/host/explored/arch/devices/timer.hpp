// SPDX-License-Identifier: BSD-2-Clause
// The version of arch/devices/timer.hpp for CPUs that an explorer interleaves: time does not exist.
#pragma once

#include "memory_order/doubles/arch/devices/timer.hpp"

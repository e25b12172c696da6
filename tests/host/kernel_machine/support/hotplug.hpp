// SPDX-License-Identifier: BSD-2-Clause
// Turns CPUs of the machine off and on by kernel/hotplug/hotplug.cpp, and expects that it succeeds.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::testing {

void take_offline(u32 cpu);
void bring_online(u32 cpu);

} // namespace percival::testing

// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/devices/timer.hpp: time does not exist.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

struct AlarmMute {
    AlarmMute() {}
};

} // namespace percival::arch

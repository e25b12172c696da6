// SPDX-License-Identifier: BSD-2-Clause
// Whether this build has one mode of the this_cpu operations only, whose sequences stand in line
// (arch/percpu/in_line.hpp). Code for the other modes is discarded.
#pragma once

namespace percival {

#ifdef PERCIVAL_PERCPU_IN_LINE
inline constexpr unsigned char kPercpuModeInLine = PERCIVAL_PERCPU_IN_LINE; // a number of arch::PercpuMode
#else
inline constexpr unsigned char kPercpuModeInLine = 0; // none: the build has several modes
#endif

inline constexpr bool kPercpuInLine = kPercpuModeInLine != 0;
inline constexpr bool kHasRestartMode = !kPercpuInLine || kPercpuModeInLine == 1;
inline constexpr bool kHasFixupMode = !kPercpuInLine || kPercpuModeInLine == 2;

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Whether this build has a shadow of percpu memory (mm/percpu_shadow). In a build without one, code for it is
// discarded and nothing of it is emitted.
#pragma once

namespace percival {

#ifdef PERCIVAL_PERCPU_SHADOW
inline constexpr bool kPercpuShadow = true;
#else
inline constexpr bool kPercpuShadow = false;
#endif

} // namespace percival

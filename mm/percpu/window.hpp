// SPDX-License-Identifier: BSD-2-Clause
// How the local window of a CPU's root shows the CPU's slab: boot argument `percpu.window`.
//
//   linked   its entries are those of the slab: the lower tables are shared, and what is mapped in the slab is
//            mapped in the window, with no further descriptor, table or way to fail
//   mapped   the window has lower tables of its own, filled and emptied page by page (the way of Linux's RFC)
//
// INV-percpu_window-1: decided before the roots are made; constant afterwards.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::percpu {

enum class Window : u8 { Linked, Mapped };

inline constinit Window window = Window::Linked;

} // namespace percival::percpu

// SPDX-License-Identifier: BSD-2-Clause
// How the local window of a CPU's root shows the CPU's slab. The boot argument `percpu.window` selects it:
//
//   linked   The window has the same entries as the slab, so both share their lower tables. A page that is
//            mapped in the slab is mapped in the window, without another descriptor or table, and without
//            another way to fail.
//   mapped   The window has lower tables of its own. They are filled and emptied page by page, as in Linux's
//            RFC.
//
// Invariant: the choice is made before the roots are, and is constant afterwards.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::percpu {

enum class Window : u8 { Linked, Mapped };

inline constinit Window window = Window::Linked;

} // namespace percival::percpu

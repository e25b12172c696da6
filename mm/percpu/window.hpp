// SPDX-License-Identifier: BSD-2-Clause
// How the local window of a CPU's root shows the CPU's slab. The boot arguments `roots` and `percpu.window`
// select it:
//
//   linked   The window has the same entries as the slab, so both share their lower tables. A page that is
//            mapped in the slab is mapped in the window, without another descriptor or table, and without
//            another way to fail.
//   mapped   The window has lower tables of its own. They are filled and emptied page by page, as in Linux's
//            RFC.
//   none     All CPUs are on one root, the master (`roots=common`). A window there could show one CPU's slab
//            only, so it is empty: a local address faults, and local mode cannot be used.
//
// Invariant: the choice is made before the roots are, and is constant afterwards.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival::percpu {

enum class Window : u8 { Linked, Mapped, None };

inline constinit Window window = Window::Linked;

// Returns whether all CPUs are on one root. Any context, once the choice is made.
inline bool roots_are_common()
{
    return window == Window::None;
}

constexpr std::string_view name_of(Window kind)
{
    switch (kind) {
    case Window::Linked:
        return "linked";
    case Window::Mapped:
        return "mapped";
    case Window::None:
        break;
    }
    return "none";
}

} // namespace percival::percpu

// SPDX-License-Identifier: BSD-2-Clause
// Chooses whether each CPU has a root of its own, and how the window in it shows the CPU's slab, by the boot
// arguments:
//
//   roots=private  each CPU has a root of its own, with a window as percpu.window says (the default)
//   roots=common   all CPUs are on one root, without a window. It needs a mode of the this_cpu operations
//                  that uses no local address: percpu=restart, fixup or guarded, or auto, which then means
//                  restart. With percpu=local, given or by default, it is refused.
#pragma once

#include "kernel/boot_arguments/boot_arguments.hpp"
#include "mm/percpu/window.hpp"

namespace percival {

// Makes the choice, and prints which arguments are refused. Boot CPU, once, before the roots are made.
percpu::Window choose_percpu_window(const BootArguments& arguments);

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The boot argument cpus.later, which holds CPUs back: they come for the first time when the features of the
// system are final. So what happens to a CPU that lacks one is seen on a machine of equal CPUs.
#pragma once

#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// Returns the CPUs that the argument names, on a machine with so many CPUs. If one of the names is wrong,
// returns none, and prints which.
CpuSet later_cpus(const BootArguments& arguments, u32 cpus);

} // namespace percival

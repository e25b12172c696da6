// SPDX-License-Identifier: BSD-2-Clause
// The features of the running system (kernel/cpus/system_features.hpp), and the order in which they become
// known: the boot CPU's once the device tree is read, then each CPU's own when it comes, and what all have
// together when the CPUs of the boot are up.
//
// INV-features-1: a CPU whose features are not enough executes no this_cpu site, whose instruction it may
//                 lack, and takes no lock, which has such sites.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/cpus/feature_arguments.hpp"
#include "kernel/cpus/system_features.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival {

// Reads the boot arguments about features, and the features of the boot CPU. Prints what is wrong with the
// arguments. Boot CPU, once, before any other function of this file.
void start_features(const MachineDescription& machine);

// Returns what all CPUs have together, or only the boot CPU until finalise_features(). Any context.
const SystemFeatures& system_features();

// Returns the features of the calling CPU, `self`, as the boot arguments change them. Any context, with the
// MMU on; executes no this_cpu site.
arch::CpuFeatures features_of_this_cpu(CpuId self);

// Returns the first online CPU that lacks a feature that the boot CPU has, or has a defect that the boot CPU
// has not; nothing if there is none. Between bring_up_secondaries() and finalise_features() this is the
// reason why the feature will not be used. Any context.
std::optional<CpuId> cpu_without(arch::CpuFeature feature);

// Combines the features of all online CPUs, for good. Boot CPU, once, when no CPU is coming.
void finalise_features();

// The boot arguments about features, for tests: a change counts for a CPU when it comes next. In a thread,
// one at a time.
FeatureArguments& feature_arguments();

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The boot arguments cpufeature.mask and cpufeature.force, which let CPUs seem to lack features, or to have
// them, and cpufeature.midr, which lets them seem to be another kind of core: how a machine of different CPUs
// is tested on one of equal CPUs. Also on the host.
//
//      cpufeature.mask=cpu2:bbm,lse,cpu3:bbm     a name counts for the CPU that was named last
//      cpufeature.midr=cpu2:0x410fd034           as a Cortex-A53 r0p4
//
// What follows from a list of models, as an erratum does, is that of the true core.
//
// The arguments change what the kernel decides, not the hardware. What they may not change is in the table of
// features (arch/cpu/cpu_features.hpp): what a CPU would need to execute instructions cannot be forced, a
// defect cannot be masked, and the boot CPU cannot lose what it uses before it can read boot arguments.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <expected>
#include <optional>
#include <string_view>

namespace percival {

struct FeatureArgumentError {
    enum class Problem : u8 { NoCpu, NoSuchCpu, NoSuchFeature, Defect, NotForced, UsedBeforehand, NoMidr };

    const BootArgument& argument;
    std::string_view value;
    std::string_view item; // the wrong part of `value`
    Problem problem;
    u32 cpus;                                  // of the machine
    std::optional<arch::CpuFeature> feature{}; // NotForced only

    // Writes, for example, `cpufeature.mask=bbm: no CPU is named before "bbm"; it is ignored`.
    void describe(Writer& out) const;
};

class FeatureArguments {
public:
    using Result = std::expected<void, FeatureArgumentError>;

    // Read one of the arguments for a machine with so many CPUs. One with an error changes nothing.
    Result read_mask(const BootArguments& arguments, u32 cpus);
    Result read_force(const BootArguments& arguments, u32 cpus);
    Result read_midr(const BootArguments& arguments, u32 cpus);

    // For tests: as if the arguments masked or forced only these features of `cpu`.
    void set_masked(CpuId cpu, arch::CpuFeatureSet features) { masked_[cpu.index()] = features; }
    void set_forced(CpuId cpu, arch::CpuFeatureSet features) { forced_[cpu.index()] = features; }
    arch::CpuFeatureSet masked(CpuId cpu) const { return masked_[cpu.index()]; }
    arch::CpuFeatureSet forced(CpuId cpu) const { return forced_[cpu.index()]; }

    // Returns the features that a CPU seems to have whose hardware has `features`. What is masked and forced
    // is forced.
    arch::CpuFeatures changed(CpuId cpu, const arch::CpuFeatures& features) const;

private:
    using PerCpuSets = std::array<arch::CpuFeatureSet, kMaxCpus>;

    PerCpuSets masked_{};
    PerCpuSets forced_{};
    std::array<u32, kMaxCpus> midrs_{}; // 0: the true one
};

} // namespace percival

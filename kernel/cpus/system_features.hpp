// SPDX-License-Identifier: BSD-2-Clause
// What all CPUs have together. Until it is final it is what the boot CPU has. Once the CPUs of the boot are
// up, their values are combined, and the result never changes again: the kernel uses what it says, and a CPU
// that comes later must have it, too.
//
// A plain value, also for the host. kernel/cpus/features.hpp has the one of the running system.
#pragma once

#include "arch/cpu/cpu_features.hpp"

namespace percival {

class SystemFeatures {
public:
    constexpr SystemFeatures() = default;
    explicit SystemFeatures(const arch::CpuFeatures& boot_cpu) : together_{boot_cpu}, required_{boot_cpu} {}

    u8 value(arch::CpuFeature feature) const { return together_.value(feature); }
    bool has(arch::CpuFeature feature) const { return together_.has(feature); }
    const arch::CpuFeatures& all() const { return together_; }
    bool is_final() const { return is_final_; }

    // Sets what a feature that is in use from boot on needs, if that is less than what the boot CPU has.
    void require(arch::CpuFeature feature, u8 value) { required_.set(feature, value); }
    // Adds a CPU of the boot, before finalise().
    void combine(const arch::CpuFeatures& cpu);
    void finalise() { is_final_ = true; }

    // Returns what is in use and not had by a CPU with these features, and the defects that it has and the
    // others have not. Before finalise() only what is in use from boot on counts.
    arch::CpuFeatureSet missing_in(const arch::CpuFeatures& cpu) const;

private:
    arch::CpuFeatures together_{};
    arch::CpuFeatures required_{}; // of features that are in use from boot on
    bool is_final_{false};
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/system_features.hpp"

#include <algorithm>

namespace percival {

using arch::CpuFeature;
using Use = arch::CpuFeatureFacts::Use;

void SystemFeatures::combine(const arch::CpuFeatures& cpu)
{
    arch::for_each_cpu_feature([&](CpuFeature feature) {
        const u8 mine = together_.value(feature), other = cpu.value(feature);
        together_.set(feature,
                      arch::facts_of(feature).is_defect() ? std::max(mine, other) : std::min(mine, other));
    });
}

arch::CpuFeatureSet SystemFeatures::missing_in(const arch::CpuFeatures& cpu) const
{
    arch::CpuFeatureSet missing;
    arch::for_each_cpu_feature([&](CpuFeature feature) {
        const arch::CpuFeatureFacts& facts = arch::facts_of(feature);
        if (facts.use == Use::Never || (facts.use == Use::OnceFinalised && !is_final_))
            return;
        const u8 used = facts.use == Use::FromBoot ? required_.value(feature) : together_.value(feature);
        const u8 own = cpu.value(feature);
        if (facts.is_defect() ? own > used : own < used)
            missing.add(feature);
    });
    return missing;
}

} // namespace percival

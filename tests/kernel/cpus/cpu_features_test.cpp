// SPDX-License-Identifier: BSD-2-Clause
// What all CPUs have together is had by each, and one that comes without it is refused.
#include "arch/devices/power.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "tests/kernel/support/cpu_choice.hpp"

namespace percival {
namespace {

using arch::CpuFeature;
using arch::CpuFeatureSet;

PERCIVAL_TEST(cpu_features, every_online_cpu_has_what_is_in_use)
{
    EXPECT(system_features().is_final());
    for_each_online_cpu([](CpuId cpu) {
        const auto missing = system_features().missing_in(cpu_features(cpu));
        if (!EXPECT(missing.is_empty()))
            print("  # cpu{} lacks {}", cpu, missing);
    });
}

// Lets a CPU seem to lack all features that are in use, and to have all defects that no CPU has.
class Lesser : Immovable {
public:
    explicit Lesser(CpuId cpu)
        : cpu_{cpu}, masked_{feature_arguments().masked(cpu)}, forced_{feature_arguments().forced(cpu)}
    {
        CpuFeatureSet masked = masked_, forced = forced_;
        arch::for_each_cpu_feature([&](CpuFeature feature) {
            const arch::CpuFeatureFacts& facts = arch::facts_of(feature);
            if (facts.use == arch::CpuFeatureFacts::Use::Never || feature == CpuFeature::PhysicalBits ||
                system_features().has(feature) == facts.is_defect())
                return;
            (facts.is_defect() ? forced : masked).add(feature);
            missing_.add(feature);
        });
        feature_arguments().set_masked(cpu, masked);
        feature_arguments().set_forced(cpu, forced.without(masked));
    }
    ~Lesser()
    {
        feature_arguments().set_masked(cpu_, masked_);
        feature_arguments().set_forced(cpu_, forced_);
    }
    CpuFeatureSet missing() const { return missing_; }

private:
    CpuId cpu_;
    CpuFeatureSet masked_, forced_, missing_{};
};

PERCIVAL_TEST(cpu_features, a_cpu_that_comes_back_without_what_is_in_use_is_refused_by_name)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = last_online_cpu();
    const u32 before = online_cpu_count();
    {
        const Away away{cpu}; // brings it back at the end
        const Lesser lesser{cpu};
        const auto came = bring_cpu_online(cpu);
        ASSERT(!came.has_value());
        EXPECT(came.error().lacking() == lesser.missing());
        EXPECT(!is_online(cpu));
        EXPECT_EQ(online_cpu_count(), before - 1);
        while (!arch::is_off(cpu))
            sleep_for_nanoseconds(200'000);
        print("  # cpu{}: {}", cpu, came.error());
    }
    EXPECT(is_online(cpu));
    EXPECT(lacking_features(cpu).is_empty());
}

} // namespace
} // namespace percival

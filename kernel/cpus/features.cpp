// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/features.hpp"

#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"

#include <algorithm>
#include <bit>

namespace percival {
namespace {

constinit FeatureArguments arguments_given{};
constinit SystemFeatures system{};

// Returns the number of bits that the address of each byte of memory fits into.
u8 bits_of_memory(const MachineDescription& machine)
{
    u64 last = 0;
    for (const MemoryBank& bank : machine.memory)
        last = std::max(last, bank.range.end().raw() - 1);
    return static_cast<u8>(std::bit_width(last));
}

} // namespace

void start_features(const MachineDescription& machine)
{
    const BootArguments arguments{machine.boot_arguments};
    const auto cpus = static_cast<u32>(machine.cpus.size());
    for (const auto& read :
         {arguments_given.read_mask(arguments, cpus), arguments_given.read_force(arguments, cpus),
          arguments_given.read_midr(arguments, cpus)}) {
        if (!read)
            print("boot argument {}", read.error());
    }
    system = SystemFeatures{features_of_this_cpu(kBootCpu)};
    system.require(arch::CpuFeature::PhysicalBits, bits_of_memory(machine));
}

const SystemFeatures& system_features()
{
    return system;
}

arch::CpuFeatures features_of_this_cpu(CpuId self)
{
    return arguments_given.changed(self, arch::read_cpu_features());
}

std::optional<CpuId> cpu_without(arch::CpuFeature feature)
{
    const bool is_defect = arch::facts_of(feature).is_defect();
    const u8 boot_cpus = cpu_features(kBootCpu).value(feature);
    std::optional<CpuId> found;
    for_each_online_cpu([&](CpuId cpu) {
        const u8 own = cpu_features(cpu).value(feature);
        if (!found && (is_defect ? own > boot_cpus : own < boot_cpus))
            found = cpu;
    });
    return found;
}

void finalise_features()
{
    for_each_online_cpu([](CpuId cpu) { system.combine(cpu_features(cpu)); });
    system.finalise();
}

FeatureArguments& feature_arguments()
{
    return arguments_given;
}

} // namespace percival

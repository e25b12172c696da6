// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/feature_arguments.hpp"

#include "kernel/cpus/cpu_argument.hpp"
#include "kernel/lib/text.hpp"

namespace percival {
namespace {

using arch::CpuFeature;
using arch::CpuFeatureFacts;
using Problem = FeatureArgumentError::Problem;

// Returns why the mask, or else the force, may not name the feature for this CPU; nothing if it may.
std::optional<Problem> problem_of(const CpuFeatureFacts& facts, CpuId cpu, bool is_mask)
{
    if (!is_mask)
        return facts.why_not_forced.empty() ? std::nullopt : std::optional{Problem::NotForced};
    if (facts.is_defect())
        return Problem::Defect;
    if (facts.use == CpuFeatureFacts::Use::FromBoot && cpu == kBootCpu)
        return Problem::UsedBeforehand;
    return {};
}

// Calls visit(CpuId, CpuFeature) for each feature of each CPU that the argument names, up to the first error.
template <class Visit>
FeatureArguments::Result for_each_named(const TextArgument& argument, const BootArguments& arguments,
                                        u32 cpus, bool is_mask, Visit visit)
{
    const std::string_view value = arguments.text(argument);
    const auto wrong = [&](std::string_view item, Problem problem,
                           std::optional<CpuFeature> feature = std::nullopt) {
        return std::unexpected{FeatureArgumentError{argument, value, item, problem, cpus, feature}};
    };
    if (!arguments.is_given(argument))
        return {};
    std::optional<CpuId> cpu;
    for (std::string_view name : ListItems{value}) {
        if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
            const std::string_view cpu_name = slice(name, 0, colon);
            cpu = cpu_named(cpu_name, cpus);
            if (!cpu)
                return wrong(cpu_name, Problem::NoSuchCpu);
            name = slice(name, colon + 1);
        }
        if (!cpu)
            return wrong(name, Problem::NoCpu);
        const auto feature = arch::cpu_feature_named(name);
        if (!feature)
            return wrong(name, Problem::NoSuchFeature);
        if (const auto problem = problem_of(arch::facts_of(*feature), *cpu, is_mask))
            return wrong(name, *problem, feature);
        visit(*cpu, *feature);
    }
    return {};
}

} // namespace

void FeatureArgumentError::describe(Writer& out) const
{
    format(out, "{}={}: ", argument.name.text(), value);
    switch (problem) {
    case Problem::NoCpu:
        format(out, "no CPU is named before \"{}\"", item);
        break;
    case Problem::NoSuchCpu:
        format(out, "there is no \"{}\", CPUs are cpu0 to cpu{}", item, cpus - 1);
        break;
    case Problem::NoSuchFeature: {
        format(out, "there is no feature \"{}\", features are ", item);
        arch::CpuFeatureSet all;
        arch::for_each_cpu_feature([&all](CpuFeature each) { all.add(each); });
        all.describe(out);
        break;
    }
    case Problem::Defect:
        format(out, "{} is a defect and cannot be masked", item);
        break;
    case Problem::NotForced:
        format(out, "{} cannot be forced, {}", item,
               feature ? arch::facts_of(*feature).why_not_forced : std::string_view{});
        break;
    case Problem::NoMidr:
        format(out, "\"{}\" is no MIDR, which is a number of 32 bits and not 0", item);
        break;
    case Problem::UsedBeforehand:
        format(out, "{} cannot be masked on cpu0, which uses it before it reads boot arguments", item);
        break;
    }
    out.put("; it is ignored");
}

FeatureArguments::Result FeatureArguments::read_mask(const BootArguments& arguments, u32 cpus)
{
    PerCpuSets named{};
    const auto read = for_each_named(BootArgumentTable::kCpufeatureMask, arguments, cpus, true,
                                     [&](CpuId cpu, CpuFeature feature) { named[cpu.index()].add(feature); });
    if (read)
        masked_ = named;
    return read;
}

FeatureArguments::Result FeatureArguments::read_force(const BootArguments& arguments, u32 cpus)
{
    PerCpuSets named{};
    const auto read = for_each_named(BootArgumentTable::kCpufeatureForce, arguments, cpus, false,
                                     [&](CpuId cpu, CpuFeature feature) { named[cpu.index()].add(feature); });
    if (read)
        forced_ = named;
    return read;
}

FeatureArguments::Result FeatureArguments::read_midr(const BootArguments& arguments, u32 cpus)
{
    const BootArgument& argument = BootArgumentTable::kCpufeatureMidr;
    if (!arguments.is_given(BootArgumentTable::kCpufeatureMidr))
        return {};
    const std::string_view value = arguments.text(BootArgumentTable::kCpufeatureMidr);
    std::array<u32, kMaxCpus> named{};
    for (const std::string_view item : ListItems{value}) {
        const std::size_t colon = item.find(':');
        if (colon == std::string_view::npos)
            return std::unexpected{FeatureArgumentError{argument, value, item, Problem::NoCpu, cpus}};
        const std::string_view cpu_name = slice(item, 0, colon), number = slice(item, colon + 1);
        const auto cpu = cpu_named(cpu_name, cpus);
        if (!cpu)
            return std::unexpected{FeatureArgumentError{argument, value, cpu_name, Problem::NoSuchCpu, cpus}};
        const auto midr = number_in(number);
        if (!midr || *midr == 0 || *midr > ~u32{0})
            return std::unexpected{FeatureArgumentError{argument, value, number, Problem::NoMidr, cpus}};
        named[cpu->index()] = static_cast<u32>(*midr);
    }
    midrs_ = named;
    return {};
}

arch::CpuFeatures FeatureArguments::changed(CpuId cpu, const arch::CpuFeatures& features) const
{
    arch::CpuFeatures seeming = features;
    if (midrs_[cpu.index()] != 0)
        seeming.midr = midrs_[cpu.index()];
    arch::for_each_cpu_feature([&](CpuFeature feature) {
        if (masked(cpu).contains(feature))
            seeming.set(feature, arch::facts_of(feature).hidden);
        if (forced(cpu).contains(feature))
            seeming.set(feature, 1);
    });
    return seeming;
}

} // namespace percival

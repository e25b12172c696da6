// SPDX-License-Identifier: BSD-2-Clause
#include "arch/cpu/cpu_features.hpp"
#include "arch/cpu/errata.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"

#include <bit>

namespace percival::arch {
namespace {

using enum CpuFeatureFacts::Combination;
using enum CpuFeatureFacts::Use;

// The sizes that ID_AA64MMFR0_EL1.PARange stands for. The values from 8 on are reserved.
constexpr std::array<u8, 8> kPhysicalBits{32, 36, 40, 42, 44, 48, 52, 56};
constexpr u8 kLeastPhysicalBits = kPhysicalBits[0];

constexpr std::string_view kUndefined = "its instructions would be undefined";
constexpr std::string_view kNothingGained = "the kernel does not depend on it";
constexpr std::string_view kReserved = "its bit would be a reserved one";
constexpr std::string_view kOutOfReach = "the CPU would not reach all memory";
constexpr std::string_view kOtherLevel = "the CPU would be at another exception level";

// In the order of CpuFeature. Bti: a CPU that lacks it ignores the GP bit and the BTI instructions.
constexpr std::array<CpuFeatureFacts, kCpuFeatures> kTable{{
    {"lse", Least, OnceFinalised, 0, kUndefined,
     [](const IdRegisters& registers) -> u8 { return IdAa64Isar0::Atomic::of(registers.isar0) >= 2; }},
    {"cnp", Least, Never, 0, kReserved,
     [](const IdRegisters& registers) -> u8 {
         return IdAa64Mmfr2::Cnp::of(registers.mmfr2) != 0 && !shares_entries_wrongly(registers.midr);
     }},
    {"bti", Least, Never, 0, kNothingGained,
     [](const IdRegisters& registers) -> u8 { return IdAa64Pfr1::Bt::of(registers.pfr1) != 0; }},
    {"pauth", Least, FromBoot, 0, kUndefined,
     [](const IdRegisters& registers) -> u8 {
         return has_pointer_authentication(IdAa64Isar1{registers.isar1}, IdAa64Isar2{registers.isar2});
     }},
    {"tlbirange", Least, OnceFinalised, 0, kUndefined,
     [](const IdRegisters& registers) -> u8 { return IdAa64Isar0::Tlb::of(registers.isar0) >= 2; }},
    {"pmuv3", Least, Never, 0, kUndefined,
     [](const IdRegisters& registers) -> u8 { return has_performance_counters(IdAa64Dfr0{registers.dfr0}); }},
    {"bbm", Least, OnceFinalised, 0, "",
     [](const IdRegisters& registers) -> u8 {
         return resizes_live(registers.midr, IdAa64Mmfr2::Bbm::of(registers.mmfr2));
     }},
    {"parange", Least, FromBoot, kLeastPhysicalBits, kOutOfReach,
     [](const IdRegisters& registers) -> u8 {
         return kPhysicalBits[IdAa64Mmfr0::PaRange::of(registers.mmfr0) & 7];
     }},
    {"el2", Least, FromBoot, 0, kOtherLevel,
     [](const IdRegisters& registers) -> u8 { return registers.exception_level == 2; }},
    {"repeattlbi", Greatest, OnceFinalised, 0, "",
     [](const IdRegisters& registers) -> u8 { return needs_repeated_tlbi(registers.midr); }},
    {"sharedtlb", Greatest, OnceFinalised, 0, "",
     [](const IdRegisters& registers) -> u8 { return may_share_tlb_entries(registers.midr); }},
}};

} // namespace

const CpuFeatureFacts& facts_of(CpuFeature feature)
{
    return kTable[static_cast<u32>(feature)];
}

std::optional<CpuFeature> cpu_feature_named(std::string_view name)
{
    std::optional<CpuFeature> found;
    for_each_cpu_feature([&](CpuFeature feature) {
        if (facts_of(feature).name == name)
            found = feature;
    });
    return found;
}

CpuFeatureSet CpuFeatureSet::defects() const
{
    CpuFeatureSet found;
    for_each_cpu_feature([&](CpuFeature feature) {
        if (contains(feature) && facts_of(feature).is_defect())
            found.add(feature);
    });
    return found;
}

void CpuFeatureSet::describe(Writer& out) const
{
    u32 left = static_cast<u32>(std::popcount(bits_));
    for_each_cpu_feature([&](CpuFeature feature) {
        if (!contains(feature))
            return;
        out.put(facts_of(feature).name);
        --left;
        if (left != 0)
            out.put(left > 1 ? ", " : " and ");
    });
}

CpuFeatures features_of(const IdRegisters& registers)
{
    CpuFeatures features{.midr = registers.midr};
    for_each_cpu_feature(
        [&](CpuFeature feature) { features.set(feature, facts_of(feature).read(registers)); });
    return features;
}

void describe_features(Writer& out, const CpuFeatures& features)
{
    for_each_cpu_feature([&](CpuFeature feature) {
        if (features.has(feature) && feature != CpuFeature::PhysicalBits && !facts_of(feature).is_defect())
            format(out, "{} ", facts_of(feature).name);
    });
    format(out, "parange={}", features.value(CpuFeature::PhysicalBits));
}

} // namespace percival::arch

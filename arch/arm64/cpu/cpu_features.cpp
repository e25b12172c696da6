// SPDX-License-Identifier: BSD-2-Clause
#include "arch/cpu/cpu_features.hpp"

#include "arch/cpu/errata.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/cpu/pointer_authentication.hpp"

namespace percival::arch {
namespace {

struct Part {
    u16 implementer;
    u16 number;
    const char* name;
};

constexpr u16 kArm = 0x41;

constexpr Part kParts[] = {
    {kArm, 0xd03, "Cortex-A53"},   {kArm, 0xd04, "Cortex-A35"},  {kArm, 0xd05, "Cortex-A55"},
    {kArm, 0xd07, "Cortex-A57"},   {kArm, 0xd08, "Cortex-A72"},  {kArm, 0xd09, "Cortex-A73"},
    {kArm, 0xd0b, "Cortex-A76"},   {kArm, 0xd0c, "Neoverse-N1"}, {kArm, 0xd40, "Neoverse-V1"},
    {kArm, 0xd42, "Cortex-A78AE"}, {kArm, 0xd47, "Cortex-A710"}, {kArm, 0xd49, "Neoverse-N2"},
    {kArm, 0xd4f, "Neoverse-V2"},  {0x46, 0x001, "A64FX"},       {0xc0, 0xac3, "Ampere-1"},
    {0x43, 0x0af, "ThunderX2"},    {0x00, 0x051, "QEMU max"},
};

// The sizes that ID_AA64MMFR0_EL1.PARange stands for.
constexpr u8 kPhysicalBits[] = {32, 36, 40, 42, 44, 48, 52, 56};

} // namespace

CpuFeatures read_cpu_features()
{
    const IdAa64Isar0 isar0 = IdAa64Isar0::read();
    const IdAa64Mmfr2 mmfr2 = IdAa64Mmfr2::read();
    const u64 midr = Midr::read().raw;
    const u64 break_before_make_level = mmfr2.get<IdAa64Mmfr2::Bbm>();
    return {
        .midr = midr,
        .lse = isar0.get<IdAa64Isar0::Atomic>() >= 2,
        .common_not_private = mmfr2.get<IdAa64Mmfr2::Cnp>() != 0,
        .bti = IdAa64Pfr1::read().get<IdAa64Pfr1::Bt>() != 0,
        .pointer_authentication = has_pointer_authentication(),
        .range_tlbi = isar0.get<IdAa64Isar0::Tlb>() >= 2,
        .performance_counters = has_performance_counters(),
        .needs_repeated_tlbi = needs_repeated_tlbi(midr),
        .resizes_live = resizes_live(midr, break_before_make_level),
        .break_before_make_level = static_cast<u8>(break_before_make_level),
        .physical_bits = kPhysicalBits[IdAa64Mmfr0::read().get<IdAa64Mmfr0::PaRange>() & 7],
    };
}

void describe_features(Writer& out, const CpuFeatures& features)
{
    const auto name_if = [&out](bool present, const char* name) {
        if (present)
            format(out, "{} ", name);
    };
    name_if(features.lse, "LSE");
    name_if(features.common_not_private, "CnP");
    name_if(features.bti, "BTI");
    name_if(features.pointer_authentication, "PAuth");
    name_if(features.range_tlbi, "TLBIRANGE");
    name_if(features.performance_counters, "PMUv3");
    format(out, "BBM{} PA{}", features.break_before_make_level, features.physical_bits);
}

void describe_cpu(Writer& out, u64 midr)
{
    const Midr id{midr};
    const u64 variant = id.get<Midr::Variant>(), revision = id.get<Midr::Revision>();
    for (const Part& part : kParts) {
        if (part.implementer == id.get<Midr::Implementer>() && part.number == id.get<Midr::PartNum>())
            return format(out, "{} r{}p{}", part.name, variant, revision);
    }
    format(out, "implementer {:x} part {:x} r{}p{}", id.get<Midr::Implementer>(), id.get<Midr::PartNum>(),
           variant, revision);
}

} // namespace percival::arch

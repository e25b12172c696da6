// SPDX-License-Identifier: BSD-2-Clause
#include "arch/cpu/cpu_features.hpp"

#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/id_registers.hpp"

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

} // namespace

CpuFeatures read_cpu_features()
{
    return features_of({.midr = Midr::read().raw,
                        .isar0 = IdAa64Isar0::read().raw,
                        .isar1 = IdAa64Isar1::read().raw,
                        .isar2 = IdAa64Isar2::read().raw,
                        .mmfr0 = IdAa64Mmfr0::read().raw,
                        .mmfr2 = IdAa64Mmfr2::read().raw,
                        .pfr1 = IdAa64Pfr1::read().raw,
                        .dfr0 = IdAa64Dfr0::read().raw,
                        .exception_level = exception_level()});
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

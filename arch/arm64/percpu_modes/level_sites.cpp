// SPDX-License-Identifier: BSD-2-Clause
#include "arch/percpu_modes/level_sites.hpp"

#include "arch/arm64/percpu_modes/text_writer.hpp"
#include "arch/cpu/sysreg.hpp"
#include "arch/percpu_modes/instruction_at.hpp"

#include <span>

namespace percival::arch {

// An instruction, and what replaces it. The place is given by its distance from the field that gives it.
struct LevelSite {
    s32 offset;
    LevelCondition condition;
    u32 instruction;
};

} // namespace percival::arch

extern "C" {
extern percival::arch::LevelSite __start_level_sites[], __stop_level_sites[];
}

namespace percival::arch {
namespace {

struct DistanceAtEl1 {
    PERCIVAL_SYSTEM_REGISTER(DistanceAtEl1, "tpidr_el1")
};
struct DistanceAtEl2 {
    PERCIVAL_SYSTEM_REGISTER(DistanceAtEl2, "tpidr_el2")
};

} // namespace

void patch_level_sites(LevelCondition condition)
{
    // Code that runs meanwhile reads either register.
    if (condition == LevelCondition::AtEl2)
        DistanceAtEl2{DistanceAtEl1::read().raw}.write();
    TextWriter text;
    for (const LevelSite& site : std::span{__start_level_sites, __stop_level_sites}) {
        if (site.condition == condition)
            text.write(instruction_at(site.offset), site.instruction);
    }
}

} // namespace percival::arch

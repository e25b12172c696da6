// SPDX-License-Identifier: BSD-2-Clause
// The exception level at which the kernel runs. Any context, also with the MMU off and on the host.
#pragma once

#include "arch/cpu/id_registers.hpp"
#include "kernel/boot_arguments/boot_argument_table.hpp"
#include "kernel/lib/types.hpp"
#include "mm/image/boot_tables.hpp"

#include <string_view>

namespace percival::boot {

constexpr bool has_vhe(arch::IdAa64Mmfr1 mmfr1)
{
    return mmfr1.get<arch::IdAa64Mmfr1::Vh>() != 0;
}

// What the boot CPU is.
struct EntryFacts {
    bool entered_at_el2;
    bool has_vhe; // FEAT_VHE
};

// Returns why a kernel that is asked for EL2 runs at EL1 all the same; empty if it runs at EL2. At EL2
// without FEAT_VHE there is no TTBR1.
constexpr std::string_view reason_against_el2(EntryFacts facts)
{
    if (!facts.entered_at_el2)
        return "the loader entered at EL1";
    return facts.has_vhe ? "" : "the boot CPU lacks FEAT_VHE";
}

// Returns the level, as in CurrentEL.
constexpr u64 level_of_kernel(LevelChoice asked, EntryFacts facts)
{
    return asked == LevelChoice::El2 && reason_against_el2(facts).empty() ? kAtEl2 : kAtEl1;
}

} // namespace percival::boot

// SPDX-License-Identifier: BSD-2-Clause
// How tables of instructions name a place: by its distance from the field that gives it.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// Returns the instruction to which a field of such a table leads. The field stands in the table itself.
inline u32* instruction_at(const s32& offset)
{
    // SAFETY: the assembler stored in `offset` the distance from there to an instruction
    // (arch/percpu/site.hpp, arch/cpu/level_site.hpp).
    return reinterpret_cast<u32*>(address_of(&offset).raw() + static_cast<u64>(s64{offset}));
}

} // namespace percival::arch

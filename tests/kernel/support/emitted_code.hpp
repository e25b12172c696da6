// SPDX-License-Identifier: BSD-2-Clause
// Finds the code of this_cpu operations in functions of a test, as it is in memory after patching.
#pragma once

#include "arch/cpu/exception_level.hpp"
#include "arch/debug/instruction.hpp"
#include "arch/percpu_modes/alternatives.hpp"
#include "arch/percpu_modes/restart.hpp"

#include <algorithm>
#include <span>

extern "C" {
extern percival::arch::Alternative __start_alternatives[], __stop_alternatives[];
extern const percival::arch::Restartable __start_restartable[], __stop_restartable[];
}

namespace percival {

// Returns the operations of the image that may be patched.
inline std::span<arch::Alternative> all_alternatives()
{
    return {__start_alternatives, __stop_alternatives};
}

// Returns the number of operations whose site does not hold the instruction of the form in use.
inline u32 count_wrong_sites()
{
    return static_cast<u32>(std::ranges::count_if(all_alternatives(), [](arch::Alternative& alternative) {
        return *alternative.site() != instruction_of(alternative, arch::percpu_form());
    }));
}

// Returns the sequences of the image that may start over.
inline std::span<const arch::Restartable> all_restartable()
{
    return {__start_restartable, __stop_restartable};
}

// Returns the body of the first loop in `function`: from the target of its first backward conditional branch
// up to that branch, without it.
inline std::span<const u32> loop_in(const void* function)
{
    const auto* code = static_cast<const u32*>(function);
    for (u32 index = 0; index < 64; ++index) {
        const auto offset = arch::conditional_branch_offset(code[index]);
        if (offset && *offset < 0)
            return {code + index + *offset, static_cast<std::size_t>(-*offset)};
    }
    return {};
}

// Returns the instructions that run in the site's place. These are the site itself, or the sequence that it
// branches to, the branch back included.
inline std::span<const u32> executed_at(const u32* site)
{
    const auto offset = arch::branch_offset(*site);
    if (!offset)
        return {site, 1};
    const u32* const sequence = site + *offset;
    for (u32 length = 1; length <= 32; ++length) {
        const u32* const last = sequence + length - 1;
        const auto back = arch::branch_offset(*last);
        if (back && last + *back == site + 1)
            return {sequence, length};
    }
    return {};
}

// Returns the number of this_cpu operations in `code` that are store-releases, in place or out of line.
inline u32 releases_in(std::span<const u32> code)
{
    u32 releases = 0;
    for (const u32& instruction : code) {
        if (arch::is_lse_atomic(instruction) || arch::branch_offset(instruction))
            releases += static_cast<u32>(std::ranges::count_if(executed_at(&instruction), &arch::is_release));
    }
    return releases;
}

// Returns the MRS of TPIDR_EL1, or at EL2 of TPIDR_EL2, into the register with that number.
inline u32 read_distance_into(u32 destination)
{
    return (arch::runs_at_el2() ? 0xd53c'd040u : 0xd538'd080u) | destination;
}

// Returns whether adds without a result use FEAT_LSE.
inline bool runs_lse()
{
    return arch::percpu_form().lse && arch::percpu_form().add != arch::AddForm::LlSc;
}

} // namespace percival

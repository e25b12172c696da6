// SPDX-License-Identifier: BSD-2-Clause
#include "arch/percpu_modes/alternatives.hpp"

#include "arch/arm64/percpu_modes/text_writer.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/sync/preemption.hpp"

#include <cstddef>
#include <span>

extern "C" {
extern percival::arch::Alternative __start_alternatives[], __stop_alternatives[];
}

namespace percival::arch {
namespace {

// Guarded and fixup sequences use these offsets (arch/percpu/sequence.hpp).
static_assert(offsetof(Preemption, count) == 0 && offsetof(Preemption, due) == 4);
static_assert(offsetof(Preemption, percpu_note) == 8);

constinit PercpuForm current = kPercpuFormAsLinked;

// Returns the B instruction at `from` that branches to `to`.
constexpr u32 branch(u64 from, u64 to)
{
    return 0x1400'0000 | static_cast<u32>(((to - from) >> 2) & 0x03ff'ffff);
}

// STADD is an alias of LDADD whose result register is 31 (Arm ARM C6.2, STADD).
constexpr u32 kResultRegister = 31;

constexpr u32 store_form(u32 load_form)
{
    return load_form | kResultRegister;
}

// Returns the operation's one instruction on the local address, as LDADD or STADD as `form` says.
u32 operation_of(const Alternative& alternative, PercpuForm form)
{
    const bool stores = alternative.result_is_unused != 0 && form.add == AddForm::StoreAdd;
    return stores ? store_form(alternative.instruction) : alternative.instruction;
}

#ifndef PERCIVAL_PERCPU_IN_LINE
// Index of the operation's instruction in the sequences for FEAT_LSE (arch/percpu/site.hpp).
constexpr u32 kOperationInRestart = 1;
constexpr u32 kOperationInFixup = 5;
constexpr u32 kOperationInGuarded = 5;

// Gives the operation within a sequence the result register of the instruction `like`. Its address register
// differs and stays.
void write_result_register(TextWriter& text, u32* operation, u32 like)
{
    text.write(operation, (*operation & ~kResultRegister) | (like & kResultRegister));
}
#endif

bool uses_lse(const Alternative& alternative, PercpuForm form)
{
    return form.lse && (alternative.result_is_unused == 0 || form.add != AddForm::LlSc);
}

} // namespace

u32 instruction_of(Alternative& alternative, PercpuForm form)
{
    const bool lse = uses_lse(alternative, form);
    const auto branch_to = [&alternative](s32& sequence) {
        return branch(address_of(alternative.site()).raw(), address_of(instruction_at(sequence)).raw());
    };
#ifdef PERCIVAL_PERCPU_IN_LINE
    return lse ? operation_of(alternative, form) : branch_to(alternative.llsc);
#else
    switch (form.mode) {
    case PercpuMode::Local:
        // A load or store has no sequence in local mode: it is one instruction without LSE too.
        return lse || alternative.llsc == 0 ? operation_of(alternative, form) : branch_to(alternative.llsc);
    case PercpuMode::Restart:
        if (alternative.restart_instruction != 0)
            return alternative.restart_instruction;
        return branch_to(lse ? alternative.restart_lse : alternative.restart_llsc);
    case PercpuMode::Fixup:
        return branch_to(lse ? alternative.fixup_lse : alternative.fixup_llsc);
    case PercpuMode::Guarded:
        break;
    }
    return branch_to(lse ? alternative.guarded_lse : alternative.guarded_llsc);
#endif
}

// scripts/check_sites.py has checked the image: a site that does not have the expected instruction is a
// branch to a veneer.
void keep_veneers()
{
    TextWriter text;
    for (Alternative& alternative : std::span{__start_alternatives, __stop_alternatives}) {
        const u32 linked = *alternative.site();
        if (linked != instruction_of(alternative, kPercpuFormAsLinked))
            text.write(&alternative.instruction, linked);
    }
}

void patch_percpu_operations(PercpuForm form)
{
    PERCIVAL_ASSERT(has_mode(form.mode));
    TextWriter text;
    for (Alternative& alternative : std::span{__start_alternatives, __stop_alternatives}) {
        text.write(alternative.site(), instruction_of(alternative, form));
#ifndef PERCIVAL_PERCPU_IN_LINE
        if (alternative.result_is_unused == 0)
            continue;
        const u32 operation = operation_of(alternative, form);
        write_result_register(text, instruction_at(alternative.restart_lse) + kOperationInRestart, operation);
        write_result_register(text, instruction_at(alternative.fixup_lse) + kOperationInFixup, operation);
        write_result_register(text, instruction_at(alternative.guarded_lse) + kOperationInGuarded, operation);
#endif
    }
    current = form;
}

PercpuForm percpu_form()
{
    return current;
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// In which form the this_cpu operations run: one for all CPUs and all sites (arch/percpu/site.hpp).
//
// The kernel is linked in a form that is right on every CPU; at boot, when all CPUs are known, the sites are
// rewritten for what they have and for what the boot arguments say (kernel/percpu/mode.hpp). Rewriting again
// later is right too: a thread that was interrupted in a sequence ends it, or restarts it, where it was, and
// operations of all forms on one variable go together.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

enum class PercpuMode : u8 {
    Local,   // on the local address, through this CPU's root
    Restart, // on the global address; what is interrupted before its commit starts over
    Guarded, // on the global address; preemption is off meanwhile
};

// What adds without a result, where the CPUs have FEAT_LSE.
enum class AddForm : u8 {
    LoadAdd,  // LDADD, its result not used: near the core, usually
    StoreAdd, // STADD: perhaps far from it
    LlSc,
};

struct PercpuForm {
    PercpuMode mode;
    bool lse; // every CPU has it
    AddForm add{AddForm::LoadAdd};
    friend constexpr bool operator==(const PercpuForm&, const PercpuForm&) = default;
};

inline constexpr bool kHasLocalMode = PERCIVAL_LOCAL_PERCPU != 0;
inline constexpr PercpuForm kPercpuFormAsLinked{
    .mode = kHasLocalMode ? PercpuMode::Local : PercpuMode::Restart,
    .lse = false,
};

// One site. Its sequences are named by their distance from the field that names them; 0 is none.
struct Alternative {
    s32 site_offset;
    u32 instruction;         // the operation on the local address, or the linker's branch to a veneer with it
    u32 restart_instruction; // … by the distance in x18; 0 if that takes a sequence
    u32 result_is_unused;
    s32 local_llsc;
    s32 restart_lse;
    s32 restart_llsc;
    s32 guarded_lse;
    s32 guarded_llsc;

    u32* site() { return at(site_offset); }
    static u32* at(s32& offset)
    {
        // SAFETY: the assembler made `offset` its own distance to an instruction (arch/percpu/site.hpp).
        return reinterpret_cast<u32*>(address_of(&offset).raw() + static_cast<u64>(s64{offset}));
    }
};

// What the site has to be in that form.
u32 instruction_of(Alternative& alternative, PercpuForm form);

// Notes the branches that the linker put in place of sites (arch/percpu_site.hpp): from then on, local mode
// writes them. Before anything is patched; boot CPU, alone.
void keep_veneers();

// Rewrites all sites. The other CPUs must be held where they execute no site, and each needs an ISB before it
// goes on (kernel/cpus/call.hpp, stop_machine()). Interrupts masked. A mode that is not in the build: never.
void patch_percpu_operations(PercpuForm form);

PercpuForm percpu_form();

} // namespace percival::arch

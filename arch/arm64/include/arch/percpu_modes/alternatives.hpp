// SPDX-License-Identifier: BSD-2-Clause
// The form in which the this_cpu operations run. All CPUs and all sites (arch/percpu/site.hpp) use one form.
//
// The kernel is linked in a form that is right on every CPU. At boot, when all CPUs are known, it rewrites
// the sites for the features of these CPUs and for the boot arguments (kernel/percpu/mode.hpp). It may
// rewrite them again later: a thread that was interrupted in a sequence finishes or restarts that sequence,
// and operations of different forms on one variable are atomic to each other.
#pragma once

#include "arch/percpu_modes/instruction_at.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_mode.hpp"

namespace percival::arch {

enum class PercpuMode : u8 {
    Local,   // on the local address, through this CPU's root
    Restart, // on the global address; a sequence that is interrupted before its commit starts over
    Fixup,   // on the global address; an exception rewrites that address for the CPU on which it returns
    Guarded, // on the global address; preemption is off meanwhile
};

// The instructions of an add without a result, if the CPUs have FEAT_LSE.
enum class AddForm : u8 {
    LoadAdd,  // LDADD with an unused result: usually executes near the core
    StoreAdd, // STADD: may execute far from the core
    LlSc,     // a loop of LDXR and STXR
};

struct PercpuForm {
    PercpuMode mode;
    bool lse; // every CPU has FEAT_LSE
    AddForm add{AddForm::LoadAdd};
    friend constexpr bool operator==(const PercpuForm&, const PercpuForm&) = default;
};

inline constexpr bool kHasLocalMode = PERCIVAL_LOCAL_PERCPU != 0;
inline constexpr PercpuForm kPercpuFormAsLinked{
    .mode = kPercpuInLine   ? PercpuMode{kPercpuModeInLine}
            : kHasLocalMode ? PercpuMode::Local
                            : PercpuMode::Restart,
    .lse = false,
};

// Returns whether the build has this mode.
constexpr bool has_mode(PercpuMode mode)
{
    return kPercpuInLine ? mode == kPercpuFormAsLinked.mode : mode != PercpuMode::Local || kHasLocalMode;
}

// One site and its sequences. A sequence is given by its distance from the field that gives it; 0 means that
// there is none. The site has `instruction` or branches to `llsc` in local mode, and in a build of one mode.
struct Alternative {
    s32 site_offset;
    u32 instruction; // the operation, which in local mode may be the linker's branch to its veneer
    u32 result_is_unused;
    s32 llsc;
#ifndef PERCIVAL_PERCPU_IN_LINE
    u32 restart_instruction; // the operation with x18 as its base; 0 if restart mode takes a sequence
    s32 restart_lse;
    s32 restart_llsc;
    s32 guarded_lse;
    s32 guarded_llsc;
    s32 fixup_lse;
    s32 fixup_llsc;
#endif

    u32* site() const { return instruction_at(site_offset); }
};

// Returns the instruction that the site must have in `form`.
u32 instruction_of(Alternative& alternative, PercpuForm form);

// Records the branches that the linker put in place of sites (arch/percpu/site.hpp), so that local mode
// writes these branches again. Boot CPU, once, before it starts other CPUs and before any site is patched.
void keep_veneers();

// Rewrites all sites to `form`, whose mode is in the build. The other CPUs must be held where they execute no
// site, and each needs an ISB before it continues (kernel/wait/stop_machine.hpp). Interrupts masked.
void patch_percpu_operations(PercpuForm form);

// Returns the form that the sites have now.
PercpuForm percpu_form();

} // namespace percival::arch

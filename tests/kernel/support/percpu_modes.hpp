// SPDX-License-Identifier: BSD-2-Clause
// Runs a test with the this_cpu operations in other forms than the one in which the machine was booted.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_shadow.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/selftest/selftest.hpp"

namespace percival {

// Calls f(mode) in the given mode with LL/SC and, if the CPUs have it, also with FEAT_LSE.
template <class F>
void for_each_kind_of_atomics(arch::PercpuMode mode, F f)
{
    const bool has_lse = arch::percpu_form().lse;
    for (const bool lse : {false, true}) {
        if (lse && !has_lse)
            continue;
        const InPercpuForm in_form{{.mode = mode, .lse = lse}};
        f(mode);
    }
}

} // namespace percival

// For tests of the very instructions of an operation.
#define SKIP_WITH_PERCPU_SHADOW()                                    \
    do {                                                             \
        if (kPercpuShadow)                                           \
            SKIP("the check of the shadow is in the operation too"); \
    } while (false)

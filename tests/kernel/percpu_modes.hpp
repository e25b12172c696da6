// SPDX-License-Identifier: BSD-2-Clause
// Running a test in a mode of the this_cpu operations other than the one the machine was booted in.
#pragma once

#include "kernel/call.hpp"
#include "kernel/percpu_mode.hpp"
#include "kernel/types.hpp"

namespace percival {

// All CPUs are in `mode` while it lives.
class PercpuModeForTest : Immovable {
public:
    explicit PercpuModeForTest(arch::PercpuMode mode) : before_{arch::percpu_form().mode}
    {
        change_percpu_mode(mode);
    }
    ~PercpuModeForTest() { change_percpu_mode(before_); }

private:
    arch::PercpuMode before_;
};

// Calls f(mode) in each mode of the build.
template <class F>
void for_each_percpu_mode(F f)
{
    for (const auto mode : {arch::PercpuMode::Local, arch::PercpuMode::Restart, arch::PercpuMode::Guarded}) {
        if (mode == arch::PercpuMode::Local && !arch::kHasLocalMode)
            continue;
        const PercpuModeForTest in_mode{mode};
        f(mode);
    }
}

// All CPUs run the operations in `form` while it lives.
class PercpuFormForTest : Immovable {
public:
    explicit PercpuFormForTest(arch::PercpuForm form) : before_{arch::percpu_form()} { install(form); }
    ~PercpuFormForTest() { install(before_); }

private:
    static void install(arch::PercpuForm form)
    {
        stop_machine([form] { arch::patch_percpu_operations(form); });
    }
    arch::PercpuForm before_;
};

// Calls f(mode) in a mode with LL/SC and, where the CPUs have it, with FEAT_LSE.
template <class F>
void for_each_kind_of_atomics(arch::PercpuMode mode, F f)
{
    const bool has_lse = arch::percpu_form().lse;
    for (const bool lse : {false, true}) {
        if (lse && !has_lse)
            continue;
        const PercpuFormForTest in_form{{.mode = mode, .lse = lse}};
        f(mode);
    }
}

template <class F>
void for_each_percpu_mode_and_kind_of_atomics(F f)
{
    for_each_percpu_mode([f](arch::PercpuMode mode) { for_each_kind_of_atomics(mode, f); });
}

} // namespace percival

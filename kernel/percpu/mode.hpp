// SPDX-License-Identifier: BSD-2-Clause
// Which way the this_cpu operations run (arch/percpu_modes/alternatives.hpp): chosen by boot arguments and by what all CPUs
// can do.
//
//   percpu=local     on private roots, one instruction each (the default of a build with local mode)
//   percpu=restart   on the global address, restarted where interrupted (the default of one without)
//   percpu=guarded   on the global address with preemption off
//   percpu=auto      local, unless a CPU is of a kind with errata against it, or the probe of the TLBs fails
//                    (kernel/percpu/probe.hpp): then restart
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "kernel/device_tree/boot_arguments.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <string_view>

namespace percival {

struct PercpuModeChoice {
    arch::PercpuMode mode;
    std::string_view why;
};

// What percpu=auto stands for. In a thread, with interrupts unmasked.
PercpuModeChoice choose_percpu_mode_by_looking();

// Until then: a mode that needs no private roots, unless local mode is what was asked for. Boot CPU, alone,
// before anything else here.
void prepare_percpu_mode(const BootArguments& arguments);

// Puts all CPUs on the form chosen and prints it. Boot CPU, once, when all CPUs are up, in a thread.
void choose_percpu_mode(const BootArguments& arguments);

std::string_view name_of(arch::PercpuMode mode);

// All CPUs run the operations in another form while it lives, or in another mode and else as before: for tests and
// benchmarks that compare them. In a thread, with interrupts unmasked.
class InPercpuForm : Immovable {
public:
    explicit InPercpuForm(arch::PercpuForm form);
    explicit InPercpuForm(arch::PercpuMode mode);
    ~InPercpuForm();

private:
    arch::PercpuForm before_;
};

// Those of the build.
inline constexpr auto kPercpuModes = [] {
    using enum arch::PercpuMode;
    if constexpr (arch::kHasLocalMode)
        return std::array{Local, Restart, Guarded};
    else
        return std::array{Restart, Guarded};
}();

// Calls f(mode) in each.
template <class F>
void for_each_percpu_mode(F f)
{
    for (const auto mode : kPercpuModes) {
        const InPercpuForm in_mode{mode};
        f(mode);
    }
}

} // namespace percival

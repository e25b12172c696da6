// SPDX-License-Identifier: BSD-2-Clause
// Chooses the mode of the this_cpu operations (arch/percpu_modes/alternatives.hpp), by the boot arguments and
// by what all CPUs can do.
//
//   percpu=local     one instruction each, on private roots (the default of a build with local mode)
//   percpu=restart   on the global address, restarted if interrupted (the default of a build without it)
//   percpu=fixup     on the global address, which exceptions rewrite for the CPU on which they return
//   percpu=guarded   on the global address, with preemption off
//   percpu=auto      restart, if a CPU is of a kind with errata against local mode or the probe of the TLBs
//                    fails (kernel/percpu/probe.hpp); otherwise local
//
// A build of one mode (arch/percpu/in_line.hpp) has that one, also as percpu=auto.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_mode.hpp"
#include "mm/percpu/window.hpp"

#include <array>
#include <span>
#include <string_view>

namespace percival {

struct PercpuModeChoice {
    arch::PercpuMode mode;
    std::string_view why;
    bool only_for_these_cpus{false}; // one that comes later might not have what the choice relies on
};

// Makes the choice of percpu=auto. In a thread, with interrupts unmasked.
PercpuModeChoice choose_percpu_mode_by_looking();

// Sets the mode that is used until choose_percpu_mode(): one that needs no private roots, unless local mode
// is the one asked for. Called on the boot CPU before it leaves the master root and before any other CPU
// runs, once its cache lines are noted, and before any other function of this file.
void prepare_percpu_mode(const BootArguments& arguments);

// Chooses the form for all CPUs, installs it and prints it. Boot CPU, once, when all CPUs of the boot are up
// and their features are final, in a thread.
void choose_percpu_mode(const BootArguments& arguments);

std::string_view name_of(arch::PercpuMode mode);

// Makes all CPUs use another form, or only another mode, for the lifetime of the object. For tests and
// benchmarks that compare them. In a thread, with interrupts unmasked.
class InPercpuForm : Immovable {
public:
    explicit InPercpuForm(arch::PercpuForm form);
    explicit InPercpuForm(arch::PercpuMode mode);
    ~InPercpuForm();

private:
    arch::PercpuForm before_;
};

// The modes that this build has, local mode first.
inline constexpr auto kPercpuModes = [] {
    using enum arch::PercpuMode;
    if constexpr (kPercpuInLine)
        return std::array{arch::kPercpuFormAsLinked.mode};
    else if constexpr (arch::kHasLocalMode)
        return std::array{Local, Restart, Fixup, Guarded};
    else
        return std::array{Restart, Fixup, Guarded};
}();

// Returns the modes that can be used in this run: local mode needs private roots. Any context.
inline std::span<const arch::PercpuMode> percpu_modes()
{
    const std::span<const arch::PercpuMode> all{kPercpuModes};
    return arch::kHasLocalMode && percpu::roots_are_common() ? all.subspan(1) : all;
}

// Calls f(mode) in each mode of percpu_modes().
template <class F>
void for_each_percpu_mode(F f)
{
    for (const auto mode : percpu_modes()) {
        const InPercpuForm in_mode{mode};
        f(mode);
    }
}

} // namespace percival

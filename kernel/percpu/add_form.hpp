// SPDX-License-Identifier: BSD-2-Clause
// Chooses the instruction for additions whose result is not used: LDADD, STADD or LL/SC. None of them is the
// fastest on every core. Published figures: on a Neoverse V2, STADD takes 45 ns and LL/SC 6; on a Kunpeng
// 920, LDADD takes 70, STADD 29 and LL/SC 7; on a Neoverse N1, LSE takes 5 and LL/SC 7. So the kernel
// measures them at boot.
//
//   percpu.add=ldadd|stadd|llsc   uses the form named
//   percpu.add=auto               uses the fastest one here (the default)
//
// LDADD is used unless another form takes at most half its time. On an emulator, and on a core where the
// forms are about equally fast, smaller differences are noise.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"

#include <string_view>

namespace percival {

struct AddChoice {
    arch::AddForm form;
    std::string_view why;
};

// Chooses the form as `arguments` say, and measures if they name none. Every CPU must have FEAT_LSE. In a
// thread, with interrupts unmasked.
AddChoice choose_add_form(const BootArguments& arguments);

std::string_view name_of(arch::AddForm form);

} // namespace percival

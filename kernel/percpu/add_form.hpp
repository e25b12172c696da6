// SPDX-License-Identifier: BSD-2-Clause
// Which instruction adds where nobody wants the result: LDADD, STADD or LL/SC. None is the fastest everywhere
// (measured by others: STADD 45 ns beside 6 by LL/SC on a Neoverse V2; LDADD 70 beside STADD 29 and LL/SC 7 on
// a Kunpeng 920; LSE 5 beside LL/SC 7 on a Neoverse N1), so it is measured where it is.
//
//   percpu.add=ldadd|stadd|llsc   that one
//   percpu.add=auto               the fastest here (the default)
//
// LDADD stays unless another one takes at most half its time: an emulator, and a core where they are alike,
// measure noise.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "kernel/device_tree/boot_arguments.hpp"

#include <string_view>

namespace percival {

struct AddChoice {
    arch::AddForm form;
    std::string_view why;
};

// Every CPU has FEAT_LSE. In a thread, with interrupts unmasked; restores the form it found.
AddChoice choose_add_form(const BootArguments& arguments);

std::string_view name_of(arch::AddForm form);

} // namespace percival

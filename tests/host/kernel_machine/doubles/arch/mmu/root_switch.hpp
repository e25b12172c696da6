// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/mmu/root_switch.hpp (support/board.cpp).
#pragma once

#include "arch/mmu/root_register.hpp"

namespace percival::arch {

void install_root(RootRegister root);
[[noreturn]] void stop_off_the_tables();

} // namespace percival::arch

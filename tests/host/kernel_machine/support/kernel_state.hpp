// SPDX-License-Identifier: BSD-2-Clause
// Included before each source of the program. Puts its variables into sections whose ends the linker names,
// so that each run begins with the values that they had at the start (support/static_state.hpp).
#pragma once

#pragma clang section bss = "kernel_bss" data = "kernel_data"

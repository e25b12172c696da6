// SPDX-License-Identifier: BSD-2-Clause
// Defines what boot/ writes with the MMU off and the kernel reads afterwards.
#include "mm/image/boot_tables.hpp"

#include "linker/ro_after_init.hpp"

namespace percival::boot {

constinit BootTables boot_tables [[gnu::section(".bss.boot_tables")]] = {};
PERCIVAL_RO_AFTER_INIT constinit Handoff handoff = {};

} // namespace percival::boot

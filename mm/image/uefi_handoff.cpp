// SPDX-License-Identifier: BSD-2-Clause
#include "mm/image/uefi_handoff.hpp"

#include "linker/ro_after_init.hpp"

namespace percival::boot {

// Part of the file, because boot/start.S clears BSS after the stub wrote it.
PERCIVAL_RO_AFTER_INIT constinit UefiHandoff uefi_handoff = {};

} // namespace percival::boot

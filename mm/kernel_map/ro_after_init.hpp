// SPDX-License-Identifier: BSD-2-Clause
// The end of init for the data marked PERCIVAL_RO_AFTER_INIT: it becomes read-only in the image and in the
// linear map, so that a stray store to it faults. The part of the image that contains it ends where the boot
// tables begin (linker/kernel.lds.S). Like them it is mapped by single pages in both places, so making it
// read-only splits no leaf and needs no memory.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::mm {

// Makes the marked data read-only, on every CPU. Boot CPU, once, before the self-tests. No code may write the
// data afterwards.
void seal_init_data();

// Returns whether seal_init_data() was called. Any context.
bool init_data_is_sealed();

// Returns the addresses of the marked data, in the image. Any context.
VirtRange init_data();

} // namespace percival::mm

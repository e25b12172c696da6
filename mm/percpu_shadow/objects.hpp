// SPDX-License-Identifier: BSD-2-Clause
// Changes the shadow of every possible CPU's copy of an object when it is allocated and freed. Any context.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/percpu_shadow/states.hpp"

namespace percival::percpu::shadow {

// Makes the `size` bytes at the local address `local` an object, in `rounded` bytes that nobody else has. The
// object's bytes have the state `fill`. The pages must be shown (mm/percpu_shadow/mapping.hpp).
void allocate_object(VirtAddr local, Bytes size, Bytes rounded, State fill);
// Frees the object that begins there.
void free_object(VirtAddr local);

} // namespace percival::percpu::shadow

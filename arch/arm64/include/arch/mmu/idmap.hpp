// SPDX-License-Identifier: BSD-2-Clause
// The idmap maps one page of code (section .idmap.text) at its physical address. That code turns the MMU on
// or off, or changes the root. It also maps one page of data (section .bss.idmap_data), for a CPU that waits
// without a root. TTBR0 holds the idmap only while the code runs.
#pragma once

#include "mm/image/image.hpp"

namespace percival::arch {

// Maps the idmap on this CPU. Interrupts are masked from before this call until drop_idmap() returns.
void enter_idmap();

// Unmaps the idmap on this CPU and flushes its TLB. From then on TTBR0 maps nothing, so that accesses to low
// addresses fault, null pointers included.
void drop_idmap();

// Returns the address at which the idmap maps `function`, a function of .idmap.text. It is the function's
// physical address.
template <class Function>
Function* in_idmap(Function* function)
{
    // SAFETY: `function` is in the page of .idmap.text, which the idmap maps at this address.
    return reinterpret_cast<Function*>(mm::image_to_physical(reinterpret_cast<const void*>(function)).raw());
}

// Returns the address at which the idmap maps `thing`, an object of .bss.idmap_data, as a number for
// assembly.
inline u64 data_in_idmap(const void* thing)
{
    return mm::image_to_physical(thing).raw();
}

} // namespace percival::arch

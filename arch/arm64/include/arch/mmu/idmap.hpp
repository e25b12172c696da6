// SPDX-License-Identifier: BSD-2-Clause
// The idmap: the page of code, mapped at its physical address, that turns the MMU on or off or changes the
// root (section .idmap.text). It is in TTBR0 for as long as that takes.
#pragma once

#include "mm/image/image.hpp"

namespace percival::arch {

// Maps the idmap. Interrupts masked until it is dropped.
void enter_idmap();

// Drops it: TTBR0 maps nothing from now on, so that low addresses, a null pointer's among them, fault.
void drop_idmap();

// A function of .idmap.text where the idmap has it: at its physical address, which is the same virtual one
// there.
template <class Function>
Function* in_idmap(Function* function)
{
    // SAFETY: the idmap maps the page of .idmap.text, which `function` is in, at this address.
    return reinterpret_cast<Function*>(mm::image_to_physical(reinterpret_cast<const void*>(function)).raw());
}

} // namespace percival::arch

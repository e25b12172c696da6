// SPDX-License-Identifier: BSD-2-Clause
// The key of return address signing. It is loaded with the MMU off, before the first function that signs, so
// this is compiled as all code in boot/ is: position independent, and without signing.
#pragma once

namespace percival::boot {

// Makes the key if this CPU has FEAT_PAuth. Boot CPU, once.
void make_pointer_authentication_key();

// Loads the key into this CPU. True: return addresses can be signed from now on. False on every CPU if the
// boot CPU lacks FEAT_PAuth: a thread that enters a function here may return from it there.
bool set_pointer_authentication_key();

} // namespace percival::boot

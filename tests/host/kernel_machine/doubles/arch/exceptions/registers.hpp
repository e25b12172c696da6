// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/exceptions/registers.hpp: interrupted code has no registers.
#pragma once

namespace percival::arch {

struct Registers {};

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The version of arch/cpu/zero_page.hpp for memory that does not exist.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

template <u64>
void zero_page(void*)
{
}

} // namespace percival::arch

// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/cpu/atomic_add.hpp: adds that take a time of the test's choice
// (support/percpu_text.cpp).
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

void add_by_ldadd(u64* target);
void add_by_stadd(u64* target);
void add_by_llsc(u64* target);

} // namespace percival::arch

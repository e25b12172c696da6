// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/mmu/idmap.hpp (support/board.cpp).
#pragma once

namespace percival::arch {

void drop_idmap();

} // namespace percival::arch

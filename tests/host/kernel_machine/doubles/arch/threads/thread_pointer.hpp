// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/threads/thread_pointer.hpp.
#pragma once

namespace percival::arch {

// One step: within a thread the value is constant, whatever happens around the read.
void* thread_pointer();

} // namespace percival::arch

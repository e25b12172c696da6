// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/threads/thread_pointer.hpp: a host thread is a kernel thread.
#pragma once

#include <cstddef>

namespace percival::arch {

alignas(16) inline thread_local std::byte played_thread[64] = {};

inline void* thread_pointer()
{
    return played_thread;
}

} // namespace percival::arch

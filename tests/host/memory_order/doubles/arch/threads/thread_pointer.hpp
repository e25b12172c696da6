// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/threads/thread_pointer.hpp: each CPU runs one thread.
#pragma once

#include "memory_order/support/order_explorer.hpp"

namespace percival::arch {

inline void* thread_pointer()
{
    return testing::order_explorer().thread();
}

} // namespace percival::arch

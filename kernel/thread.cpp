// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/thread.hpp"

namespace percival {

extern "C" {
constinit Thread boot_thread{};
PERCIVAL_PERCPU PerCpu<Thread> idle_thread{};
}

// There is no other thread to switch to yet.
void switch_if_due()
{
    preemption().due = 0;
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/processor.hpp: a thread represents a CPU, and "interrupts masked" is a
// counter that tests can read.
#pragma once

#include "kernel/lib/types.hpp"

#include <functional>
#include <thread>

namespace percival::arch {

// Called by relax(), for a test that must stop a thread while it spins.
inline thread_local std::function<void()> on_relax;

inline void relax()
{
    if (on_relax)
        on_relax();
    std::this_thread::yield();
}

inline thread_local u32 interrupt_mask_depth = 0;

inline bool interrupts_masked()
{
    return interrupt_mask_depth != 0;
}

class InterruptMask {
public:
    InterruptMask() { ++interrupt_mask_depth; }
    ~InterruptMask() { --interrupt_mask_depth; }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;
};

} // namespace percival::arch

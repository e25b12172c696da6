// SPDX-License-Identifier: BSD-2-Clause
// The host's arch/cpu/processor.hpp: a thread stands for a CPU, and "interrupts masked" is a count a test can
// read.
#pragma once

#include "kernel/lib/types.hpp"

#include <functional>
#include <thread>

namespace percival::arch {

// Runs inside relax(), for a test that has to stop a thread while it spins.
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

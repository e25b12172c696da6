// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/processor.hpp: a thread represents a CPU, and "interrupts masked" is a
// counter that tests can read.
#pragma once

#include "arch/simulation/register_model.hpp"
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
    if (register_model == nullptr) // a model changes only with accesses: to let other threads run is no help
        std::this_thread::yield();
}

// Goes on at once, as a CPU may.
inline void wait_for_interrupt() {}

inline thread_local u32 interrupt_mask_depth = 0;

inline bool interrupts_masked()
{
    return interrupt_mask_depth != 0;
}

inline thread_local bool all_exceptions_masked = false;

inline void mask_all_exceptions()
{
    all_exceptions_masked = true;
}

inline void send_event()
{
    register_model->send_event();
}

// What a test's thread throws where the CPU would stop for good.
struct Stopped {};

[[noreturn]] inline void stop()
{
    throw Stopped{};
}

class InterruptMask {
public:
    InterruptMask() { ++interrupt_mask_depth; }
    ~InterruptMask() { --interrupt_mask_depth; }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;
};

} // namespace percival::arch

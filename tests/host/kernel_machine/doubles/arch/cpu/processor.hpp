// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of arch/cpu/processor.hpp (kernel_machine/support/doubles.cpp).
#pragma once

namespace percival::arch {

void relax();
void wait_for_interrupt();
bool interrupts_masked();
void mask_interrupts();
void unmask_interrupts();
// SError does not exist.
void mask_all_exceptions();
void unmask_thread_exceptions();
[[noreturn]] void stop();

class InterruptMask {
public:
    InterruptMask() : was_masked_{interrupts_masked()} { mask_interrupts(); }
    ~InterruptMask()
    {
        if (!was_masked_)
            unmask_interrupts();
    }
    InterruptMask(const InterruptMask&) = delete;
    InterruptMask& operator=(const InterruptMask&) = delete;

    bool interrupts_were_masked() const { return was_masked_; }

private:
    bool was_masked_;
};

} // namespace percival::arch

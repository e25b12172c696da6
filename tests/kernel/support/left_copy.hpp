// SPDX-License-Identifier: BSD-2-Clause
// A thread that has taken the address of a CPU's copy and left that CPU, beside one that is pinned there.
#pragma once

#include "kernel/sync/preemption.hpp"
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/spin.hpp"

#include <atomic>

namespace percival {

// Runs `write(copy)` on the boot CPU's copy of `variable`, in a thread that has left that CPU. A thread that
// is pinned on the boot CPU calls `before(pin)` before the write, and `after(pin)` afterwards. Needs another
// CPU.
template <class Write, class Before, class After>
void write_from_elsewhere(PerCpu<u64>& variable, Write write, Before before, After after)
{
    std::atomic<u32> stage{0};
    const auto wait_for = [&stage](u32 wanted) { spin_until([&] { return stage.load() == wanted; }); };
    auto body = [&](u32 number) {
        if (number == 0) {
            go_to(kBootCpu);
            u64& copy = unprotected(variable);
            move_on();
            stage.store(1);
            wait_for(2);
            write(copy);
            return stage.store(3);
        }
        wait_for(1);
        const PreemptGuard pin;
        before(pin);
        stage.store(2);
        wait_for(3);
        after(pin);
    };
    ThreadGroup group{2, body, [](u32 number) { return number == 0 ? ThreadOptions{} : on_cpu(kBootCpu); }};
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Interrupts a loop by alarms at a high rate, so that they come between any two of its instructions:
//
//     for (AlarmStorm storm{alarms, per_second, &action}; storm.next_turn();) ...
//
// A handler may take longer than the time between two alarms: the CPU or the host of an emulator may be slow,
// or the handlers of all CPUs may want the same lock. The next alarm would then always come before the loop
// goes on, and the test would not end. So from kPatience alarms in one turn on, each leaves the loop twice as
// long as the alarm before, until the turn is over.
#pragma once

#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival {

class AlarmStorm : Immovable {
public:
    // Interrupts the calling CPU, to which the calling thread is bound, about `per_second` times in a second.
    // Each alarm runs `action`. The tick does not run meanwhile.
    AlarmStorm(u64 alarms, u64 per_second, void (*action)());
    ~AlarmStorm();

    // Begins a turn of the loop. Returns false once the wanted number of alarms has come.
    bool next_turn()
    {
        alarms_of_turn_.store(0, std::memory_order_relaxed);
        return alarms_.load(std::memory_order_relaxed) < wanted_;
    }

private:
    static constexpr u32 kPatience = 64;

    static void ring();
    void handle_alarm();

    const u64 wanted_;
    const u64 shortest_; // between two alarms, in timer ticks
    void (*const action_)();
    u64 delay_{shortest_}; // until the next alarm; the handler's own
    std::atomic<u64> alarms_{0};
    std::atomic<u32> alarms_of_turn_{0};
};

} // namespace percival

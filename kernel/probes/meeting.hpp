// SPDX-License-Identifier: BSD-2-Clause
// Two CPUs wait for each other, again and again. What one did before a meeting is seen by the other after it.
#pragma once

#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival {

// A wait for another CPU, which panics after half a minute. Any context.
class PatientWait {
public:
    // Called in each turn of the wait.
    void turn();

private:
    u32 turns_{0};
    u64 deadline_{0};
};

// Returns when `condition` holds.
template <class Condition>
void wait_patiently(Condition condition)
{
    for (PatientWait wait; !condition();)
        wait.turn();
}

class Meeting : Immovable {
public:
    enum class Side : u8 { Writer, Observer };

    // Returns once the other side has called this as often as this one.
    void meet(Side self);

private:
    std::atomic<u64> writer_{0};
    std::atomic<u64> observer_{0};
};

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Waits for events that take a tick or a time slice. It does not use arch::relax(), because under icount each
// call leaves the emulator's loop, and such a wait has millions of turns.
#pragma once

namespace percival {

template <class Condition>
void spin_until(Condition condition)
{
    while (!condition()) {
    }
}

} // namespace percival

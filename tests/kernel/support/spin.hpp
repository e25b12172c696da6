// SPDX-License-Identifier: BSD-2-Clause
// Waiting for what takes a tick or a time slice to come. Without arch::relax(): under icount each is a way out of the
// emulator's loop, and a wait of that length has millions.
#pragma once

namespace percival {

template <class Condition>
void spin_until(Condition condition)
{
    while (!condition()) {
    }
}

} // namespace percival

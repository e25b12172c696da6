// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sync/preemption.hpp"

namespace percival {

// A host thread never has to leave its CPU to another one.
void switch_if_due() {}

} // namespace percival

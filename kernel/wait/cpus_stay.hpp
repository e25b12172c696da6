// SPDX-License-Identifier: BSD-2-Clause
// Keeping the set of CPUs as it is: a reader-writer lock whose writer is the CPU hotplug.
#pragma once

#include "kernel/wait/rw_lock.hpp"

namespace percival {

// Held to write from before a CPU begins to start until it is active, and from before it begins to go until it is off.
extern RwLock cpus_change;

// While one lives, no CPU goes or comes, and none is starting. Threads only: waits for a change that is under way.
class CpusStay : Immovable {
public:
    CpusStay();
    ~CpusStay();
};

} // namespace percival

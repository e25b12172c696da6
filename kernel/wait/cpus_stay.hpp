// SPDX-License-Identifier: BSD-2-Clause
// Keeps the set of online CPUs as it is: a reader-writer lock whose writer is CPU hotplug.
#pragma once

#include "kernel/wait/rw_lock.hpp"

namespace percival {

// Held for writing from before a CPU begins to start until it is active or left out, and from before a CPU
// begins to go until it is off. At boot, bring_up_secondaries() does without: no other thread runs yet.
extern RwLock cpus_change;

// Holds cpus_change for reading for the lifetime of the object: no CPU comes or goes, and none is arriving.
// Threads only, but not a thread of run_everywhere() (checked): a waiting writer keeps new readers out, and
// run_everywhere() holds the lock for reading until its threads are done. Waits for a change that is under
// way.
class CpusStay : Immovable {
public:
    CpusStay();
    ~CpusStay();
};

} // namespace percival

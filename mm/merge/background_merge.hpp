// SPDX-License-Identifier: BSD-2-Clause
// Merges the linear map back in the background, a second after set_memory() has changed it
// (mm/set_memory/linear_merge.hpp).
#pragma once

#include "kernel/wait/mutex.hpp"

namespace percival::mm {

// Starts to serve requests for merges. Boot CPU, once, after start_workers().
void start_merging();

// Merges at once what has changed. Threads.
void merge_now();

// While the object exists nothing is merged, so that software may walk the linear map's tables without a
// lock: dumps do. Threads, not nested.
class PERCIVAL_SCOPED_CAPABILITY NoMerges : Immovable {
public:
    NoMerges();
    ~NoMerges();
};

} // namespace percival::mm

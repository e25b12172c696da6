// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/cpus_stay.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/wait/run_everywhere.hpp"

namespace percival {

constinit RwLock cpus_change;

CpusStay::CpusStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    PERCIVAL_ASSERT(!is_thread_of_run_everywhere());
    cpus_change.lock_shared();
}

CpusStay::~CpusStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    cpus_change.unlock_shared();
}

} // namespace percival

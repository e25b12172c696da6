// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/linear_tables_stay.hpp"

#include "kernel/wait/mutex.hpp"

namespace percival {
namespace {

constinit Mutex linear_tables_lock;

} // namespace

// The analysis follows no lock that outlives the function.
LinearTablesStay::LinearTablesStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    linear_tables_lock.lock();
}

LinearTablesStay::~LinearTablesStay() PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    linear_tables_lock.unlock();
}

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// Running a function in a thread of every CPU at once.
#pragma once

#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"

namespace percival {

namespace call_detail {

void run_everywhere(Function function, void* argument);

} // namespace call_detail

// Runs f(CpuId) on every online CPU at once, the caller's included, in a thread that stays on that CPU.
// Returns when all have ended. Only one call runs at a time; others wait. Blocks. f sees everything the
// caller wrote before the call, and the caller sees everything f wrote once the call returns. f must not take
// CpusStay, so it neither calls run_everywhere() nor stop_machine().
template <class F>
void run_everywhere(F&& f)
{
    const auto with_id = [&f] { f(this_cpu_id()); };
    call_detail::run_everywhere(&call_detail::invoke<decltype(with_id)>, call_detail::erase(with_id));
}

// Returns whether the calling thread is one of those in which run_everywhere() runs functions.
bool is_thread_of_run_everywhere();

// Starts the threads of run_everywhere(), one on each CPU. Boot CPU, once, when all CPUs are up.
void start_everywhere_threads();

} // namespace percival

// SPDX-License-Identifier: BSD-2-Clause
// The kinds of cores of a machine. What an operation costs differs between a big core and a little one, so
// benchmarks are measured on a CPU of each kind. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

// Calls f(cpu) for the first CPU of each kind, in the order of their numbers. `for_each_cpu(visit)` calls
// visit(CpuId) in ascending order, and `kind_of(cpu)` returns what CPUs of one kind have in common.
template <class ForEachCpu, class KindOf, class F>
void for_first_of_each_kind(ForEachCpu for_each_cpu, KindOf kind_of, F f)
{
    for_each_cpu([&](CpuId cpu) {
        bool is_first = true;
        for_each_cpu([&](CpuId other) {
            is_first = is_first && (other.index() >= cpu.index() || kind_of(other) != kind_of(cpu));
        });
        if (is_first)
            f(cpu);
    });
}

} // namespace percival

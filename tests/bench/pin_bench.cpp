// SPDX-License-Identifier: BSD-2-Clause
// Measures the cost of staying on a CPU.
#include "kernel/selftest/benchmark.hpp"
#include "kernel/sync/preemption.hpp"

namespace percival {
namespace {

PERCIVAL_BENCHMARK(pin, Core)
{
    return instructions_per_turn([] { const PreemptGuard guard; });
}

} // namespace
} // namespace percival

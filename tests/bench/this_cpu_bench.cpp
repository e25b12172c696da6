// SPDX-License-Identifier: BSD-2-Clause
// The this_cpu operations on 8 bytes, each in a loop (the address is in a register) and once with the address
// yet to be made.
#include "kernel/benchmark.hpp"
#include "mm/percpu.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};

// Uses a value without doing anything with it.
void keep(u64 value)
{
    asm volatile("" : : "r"(value));
}

[[gnu::noinline]] void add_from_scratch()
{
    counter.add(1);
}

[[gnu::noinline]] void do_nothing()
{
    asm volatile("");
}

PERCIVAL_BENCHMARK(this_cpu_add, "local")
{
    return instructions_per_turn([] { counter.add(1); });
}

PERCIVAL_BENCHMARK(this_cpu_add_first, "local")
{
    const u64 with = instructions_per_turn([] { add_from_scratch(); }).hundredths;
    const u64 without = instructions_per_turn([] { do_nothing(); }).hundredths;
    return {with - without};
}

PERCIVAL_BENCHMARK(this_cpu_read, "local")
{
    return instructions_per_turn([] { keep(counter.read()); });
}

PERCIVAL_BENCHMARK(this_cpu_write, "local")
{
    return instructions_per_turn([] { counter.write(1); });
}

PERCIVAL_BENCHMARK(this_cpu_inc_return, "local")
{
    return instructions_per_turn([] { keep(counter.add_return(1)); });
}

PERCIVAL_BENCHMARK(this_cpu_xchg, "local")
{
    return instructions_per_turn([] { keep(counter.xchg(1)); });
}

PERCIVAL_BENCHMARK(this_cpu_cmpxchg, "local")
{
    return instructions_per_turn([] { keep(counter.cmpxchg(1, 2)); });
}

} // namespace
} // namespace percival

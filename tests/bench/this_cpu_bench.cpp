// SPDX-License-Identifier: BSD-2-Clause
// Measures the this_cpu operations at every width in a loop, where the address is in a register. Some are
// also measured once, including the computation of the address. Also measures the plain forms.
#include "kernel/selftest/benchmark.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/percpu/this_cpu.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};
PERCIVAL_PERCPU PerCpu<u32> counter_u32{};
PERCIVAL_PERCPU PerCpu<u16> counter_u16{};
PERCIVAL_PERCPU PerCpu<u8> counter_u8{};
PERCIVAL_PERCPU PerCpu<arch::PercpuPair> pair{};

// Makes the compiler compute `value`, but does nothing with it.
template <class T>
void keep(T value)
{
    asm volatile("" : : "r"(value));
}

[[gnu::noinline]] void add_from_scratch()
{
    counter.add(1);
}

[[gnu::noinline]] void read_from_scratch()
{
    keep(this_cpu<counter>.read());
}

[[gnu::noinline]] void write_from_scratch()
{
    this_cpu<counter>.write(1);
}

[[gnu::noinline]] void do_nothing()
{
    asm volatile("");
}

// Measures the operation with the computation of its address and without the call that keeps it out of line.
template <class Call>
BenchmarkResult first_use(Call call)
{
    const auto nothing = [] { do_nothing(); };
    return cost_per_turn(loop_over(call), loop_over(nothing));
}

PERCIVAL_BENCHMARK(this_cpu_add_first, ThisCpu)
{
    return first_use([] { add_from_scratch(); });
}

PERCIVAL_BENCHMARK(this_cpu_read_first, ThisCpu)
{
    return first_use([] { read_from_scratch(); });
}

PERCIVAL_BENCHMARK(this_cpu_write_first, ThisCpu)
{
    return first_use([] { write_from_scratch(); });
}

#define PERCIVAL_THIS_CPU_BENCHMARK(name, ...)             \
    PERCIVAL_BENCHMARK(name, ThisCpu)                      \
    {                                                      \
        return instructions_per_turn([] { __VA_ARGS__; }); \
    }

// Defines a benchmark for every operation on `variable`. `width` is the end of the benchmarks' names.
#define PERCIVAL_THIS_CPU_BENCHMARKS(variable, width)                                     \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_add##width, variable.add(1))                     \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_read##width, keep(this_cpu<variable>.read()))    \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_write##width, this_cpu<variable>.write(1))       \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_inc_return##width, keep(variable.add_return(1))) \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_and##width, variable.and_(1))                    \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_or##width, variable.or_(1))                      \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_xchg##width, keep(variable.xchg(1)))             \
    PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_cmpxchg##width, keep(variable.cmpxchg(1, 2)))

PERCIVAL_THIS_CPU_BENCHMARKS(counter, )
PERCIVAL_THIS_CPU_BENCHMARKS(counter_u32, _4_bytes)
PERCIVAL_THIS_CPU_BENCHMARKS(counter_u16, _2_bytes)
PERCIVAL_THIS_CPU_BENCHMARKS(counter_u8, _1_byte)

// Operations on a variable whose address is given.
PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_read_by_pointer, keep(counter.read()))
PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_write_by_pointer, counter.write(1))

PERCIVAL_THIS_CPU_BENCHMARK(this_cpu_cmpxchg_16_bytes, keep(pair.cmpxchg({1, 2}, {3, 4}).low))

// The counterparts of Linux's __this_cpu_add(), with the pin included, and of raw_cpu_add().
PERCIVAL_BENCHMARK(pin_and_add, Core)
{
    return instructions_per_turn([] {
        const PreemptGuard pin;
        counter.pinned(pin).add(1);
    });
}

PERCIVAL_BENCHMARK(raw_add, Core)
{
    return instructions_per_turn([] { counter.raw().add(1); });
}

} // namespace
} // namespace percival

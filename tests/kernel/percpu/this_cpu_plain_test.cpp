// SPDX-License-Identifier: BSD-2-Clause
// The plain forms of the operations, with a pin and raw, are arithmetic on this CPU's copy.
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/percpu.hpp"

#include <limits>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<s8> narrow{};
PERCIVAL_PERCPU PerCpu<u64> wide{};

template <class T>
void check(PerCpu<T>& variable, CpuId cpu, PlainPerCpu<T> plain)
{
    T& copy = variable.on(cpu);
    constexpr T kMax = std::numeric_limits<T>::max();
    plain.write(kMax);
    EXPECT_EQ(copy, kMax);
    plain.inc();
    EXPECT_EQ(copy, std::numeric_limits<T>::min());
    plain.dec();
    EXPECT_EQ(plain.read(), kMax);
    plain.sub(kMax);
    EXPECT_EQ(plain.add_return(T{5}), T{5});
    plain.and_(T{4});
    plain.or_(T{3});
    EXPECT_EQ(plain.xchg(T{1}), T{7});
    EXPECT_EQ(plain.cmpxchg(T{2}, T{9}), T{1});
    T expected{3};
    EXPECT(!plain.try_cmpxchg(expected, T{9}) && expected == T{1});
    EXPECT(plain.try_cmpxchg(expected, T{9}));
    EXPECT_EQ(copy, T{9});
}

PERCIVAL_TEST(this_cpu, plain_operations_match_arithmetic_and_wrap)
{
    run_everywhere([](CpuId cpu) {
        const PreemptGuard pin;
        check(narrow, cpu, narrow.pinned(pin));
        check(narrow, cpu, narrow.raw());
        check(wide, cpu, wide.pinned(pin));
        check(wide, cpu, wide.raw());
    });
}

// The guard passes no data to the operation: Pin and PreemptGuard are empty.
static_assert(sizeof(Pin) == 1 && sizeof(PreemptGuard) == 1);

} // namespace
} // namespace percival

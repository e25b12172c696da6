// SPDX-License-Identifier: BSD-2-Clause
// Compare-exchange of 16 bytes: it exchanges both halves or neither, with CASP and with LDXP and STXP.
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

namespace percival {
namespace {

// A pair such as the head of a list with a count of its changes.
struct Head {
    u64* first;
    u64 changes;
    friend constexpr bool operator==(const Head&, const Head&) = default;
};

struct Neighboured {
    PerCpu<u64> before;
    PerCpu<Head> head;
    PerCpu<u64> after;
};

PERCIVAL_PERCPU Neighboured neighboured{};
constexpr u64 kCanary = 0xa5a5'5a5a'a5a5'5a5a;

void check_exchanges(CpuId cpu)
{
    PerCpu<Head>& head = neighboured.head;
    u64 a, b;
    const Head start{&a, 1}, other_first{&b, 1}, other_count{&a, 2}, next{&b, 2};
    head.on(cpu) = start;
    EXPECT(head.cmpxchg(other_first, next) == start && head.on(cpu) == start);
    EXPECT(head.cmpxchg(other_count, next) == start && head.on(cpu) == start);
    EXPECT(head.cmpxchg(start, next) == start && head.on(cpu) == next);
    Head expected = start;
    EXPECT(!head.try_cmpxchg(expected, start) && expected == next && head.on(cpu) == next);
    EXPECT(head.try_cmpxchg(expected, start) && expected == next && head.on(cpu) == start);
}

void check_beside_neighbours(CpuId cpu)
{
    neighboured.before.write(kCanary);
    neighboured.after.write(kCanary);
    check_exchanges(cpu);
    EXPECT_EQ(neighboured.before.read(), kCanary);
    EXPECT_EQ(neighboured.after.read(), kCanary);
}

PERCIVAL_TEST(this_cpu, pairs_are_exchanged_whole_or_not_at_all_and_spare_their_neighbours)
{
    run_everywhere(&check_beside_neighbours);
}

PERCIVAL_TEST(this_cpu, pairs_are_exchanged_alike_by_casp_and_by_ldxp_and_stxp)
{
    constexpr u32 kMaxStoppedCpus = 16; // the test stops all CPUs several times
    if (online_cpu_count() > kMaxStoppedCpus)
        SKIP("too many CPUs to wait for");
    for_each_kind_of_atomics(arch::percpu_form().mode,
                             [](arch::PercpuMode) { check_beside_neighbours(this_cpu_id()); });
}

// Only words of 1, 2, 4 and 8 bytes and pairs of 16 bytes can be exchanged, and only words can be read.
template <class T>
concept HasExchange = requires(PerCpu<T> v, T x) { v.cmpxchg(x, x); };
template <class T>
concept HasRead = requires(PerCpu<T> v) { v.read(); };
struct Three {
    u64 words[3];
};
struct Padded {
    u64 word;
    u8 byte;
};
static_assert(HasExchange<Head> && !HasRead<Head>);
static_assert(!HasExchange<Three> && !HasExchange<Padded>);
static_assert(HasExchange<u8> && HasRead<u8>);

} // namespace
} // namespace percival

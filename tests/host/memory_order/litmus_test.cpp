// SPDX-License-Identifier: BSD-2-Clause
// The explorer's memory model on litmus tests: what Arm allows is seen, and what it forbids never is. The
// names are those of the field.
#include "arch/cpu/barrier.hpp"
#include "memory_order/support/order_explorer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace percival::testing {
namespace {

using std::memory_order;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

constexpr Bounds kEverything{~u32{0}, ~u32{0}, ~u32{0}, ~u32{0}, 300'000};

// The outcomes of all schedules: the values of r[0] to r[3] and of the final x and y, as decimal digits.
std::set<u32> outcomes;

struct Litmus {
    std::atomic<u32> x{0};
    std::atomic<u32> y{0};
    std::array<u32, 4> r{};

    std::string verdict() const
    {
        u32 digits = 0;
        for (const u32 value : {r[0], r[1], r[2], r[3], x.load(), y.load()})
            digits = digits * 10 + value;
        outcomes.insert(digits);
        return "";
    }
};

template <class Scenario>
const std::set<u32>& explored()
{
    outcomes.clear();
    const OrderExplored result = order_explorer().explore<Scenario>(kEverything);
    EXPECT_EQ(result.failure, "");
    return outcomes;
}

void no_fence() {}
void acquire_fence()
{
    std::atomic_thread_fence(std::memory_order_acquire);
}
void release_fence()
{
    std::atomic_thread_fence(std::memory_order_release);
}
void dmb()
{
    arch::dmb<arch::Shareability::InnerShareable>();
}
void dmb_st()
{
    arch::dmb<arch::Shareability::InnerShareable, arch::Access::Store>();
}
void dmb_ld()
{
    arch::dmb<arch::Shareability::InnerShareable, arch::Access::Load>();
}

void dsb_st()
{
    arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();
}

using FenceFunction = void (*)();

// Message passing.
template <memory_order Write, memory_order Read, FenceFunction Between, FenceFunction After>
struct MP : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
            Between();
            y.store(1, Write);
        } else {
            r[0] = y.load(Read);
            After();
            r[1] = x.load(memory_order_relaxed);
        }
    }
};
constexpr u32 kMessageWithoutData = 100011;

TEST(Litmus, MPIsSeenWithoutOrder)
{
    const bool seen = explored<MP<memory_order_relaxed, memory_order_relaxed, no_fence, no_fence>>().contains(
        kMessageWithoutData);
    EXPECT_TRUE(seen);
    EXPECT_EQ(outcomes.size(), 4);
}

TEST(Litmus, MPIsSeenWithOrderOnOneSideOnly)
{
    EXPECT_TRUE((explored<MP<memory_order_release, memory_order_relaxed, no_fence, no_fence>>().contains(
        kMessageWithoutData)));
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_acquire, no_fence, no_fence>>().contains(
        kMessageWithoutData)));
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_relaxed, dmb, no_fence>>().contains(
        kMessageWithoutData)));
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_relaxed, no_fence, dmb>>().contains(
        kMessageWithoutData)));
    // The wrong kind of barrier is none.
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_relaxed, dmb_ld, dmb_ld>>().contains(
        kMessageWithoutData)));
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_relaxed, dmb_st, dmb_st>>().contains(
        kMessageWithoutData)));
    EXPECT_TRUE((explored<MP<memory_order_relaxed, memory_order_relaxed, dsb_st, dsb_st>>().contains(
        kMessageWithoutData)));
}

TEST(Litmus, MPIsForbiddenWithOrderOnBothSides)
{
    EXPECT_FALSE((explored<MP<memory_order_release, memory_order_acquire, no_fence, no_fence>>().contains(
        kMessageWithoutData)));
    EXPECT_FALSE(
        (explored<MP<memory_order_relaxed, memory_order_relaxed, release_fence, acquire_fence>>().contains(
            kMessageWithoutData)));
    EXPECT_FALSE((explored<MP<memory_order_relaxed, memory_order_relaxed, dmb_st, dmb_ld>>().contains(
        kMessageWithoutData)));
    EXPECT_FALSE((explored<MP<memory_order_relaxed, memory_order_acquire, dmb, no_fence>>().contains(
        kMessageWithoutData)));
}

// Message passing with plain data, as most code has it.
template <memory_order Write, memory_order Read>
struct PlainMP : Litmus {
    static constexpr u32 kCpus = 2;
    u32 data{0};
    void run(u32 cpu)
    {
        if (cpu == 0) {
            data = 1;
            y.store(1, Write);
        } else if (y.load(Read) == 1) {
            r[0] = 1;
            r[1] = data;
        }
    }
};

TEST(Litmus, PlainDataNeedsOrderOnBothSides)
{
    EXPECT_TRUE((explored<PlainMP<memory_order_relaxed, memory_order_acquire>>().contains(100001)));
    EXPECT_TRUE((explored<PlainMP<memory_order_release, memory_order_relaxed>>().contains(100001)));
    EXPECT_FALSE((explored<PlainMP<memory_order_release, memory_order_acquire>>().contains(100001)));
}

// Store buffering.
template <memory_order Write, memory_order Read, FenceFunction First, FenceFunction Second>
struct SB : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, Write);
            First();
            r[0] = y.load(Read);
        } else {
            y.store(1, Write);
            Second();
            r[1] = x.load(Read);
        }
    }
};
constexpr u32 kBothMiss = 11;

TEST(Litmus, SBIsSeenUnlessBothSidesHaveAFullFence)
{
    EXPECT_TRUE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, no_fence, no_fence>>().contains(kBothMiss)));
    EXPECT_TRUE(
        (explored<SB<memory_order_release, memory_order_acquire, no_fence, no_fence>>().contains(kBothMiss)));
    EXPECT_TRUE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, dmb, no_fence>>().contains(kBothMiss)));
    EXPECT_TRUE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, dmb_st, dmb_st>>().contains(kBothMiss)));
    EXPECT_TRUE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, dmb_ld, dmb_ld>>().contains(kBothMiss)));
    EXPECT_TRUE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, release_fence, acquire_fence>>().contains(
            kBothMiss)));
}

TEST(Litmus, SBIsForbiddenWithFullFencesOrSequentialAccesses)
{
    EXPECT_FALSE((explored<SB<memory_order_relaxed, memory_order_relaxed, dmb, dmb>>().contains(kBothMiss)));
    EXPECT_FALSE(
        (explored<SB<memory_order_relaxed, memory_order_relaxed, dsb_st, dsb_st>>().contains(kBothMiss)));
    EXPECT_FALSE(
        (explored<SB<memory_order_seq_cst, memory_order_seq_cst, no_fence, no_fence>>().contains(kBothMiss)));
}

// Two readers that see two stores in opposite orders.
template <memory_order Read>
struct IRIW : Litmus {
    static constexpr u32 kCpus = 4;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
        } else if (cpu == 1) {
            y.store(1, memory_order_relaxed);
        } else if (cpu == 2) {
            r[0] = x.load(Read);
            r[1] = y.load(memory_order_relaxed);
        } else {
            r[2] = y.load(Read);
            r[3] = x.load(memory_order_relaxed);
        }
    }
};

TEST(Litmus, IRIWIsForbiddenWithAcquireLoadsOnly)
{
    EXPECT_TRUE((explored<IRIW<memory_order_relaxed>>().contains(101011)));
    EXPECT_FALSE((explored<IRIW<memory_order_acquire>>().contains(101011)));
}

// A store against a store and a load.
template <FenceFunction First, FenceFunction Second>
struct R : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
            First();
            y.store(1, memory_order_relaxed);
        } else {
            y.store(2, memory_order_relaxed);
            Second();
            r[0] = x.load(memory_order_relaxed);
        }
    }
};

TEST(Litmus, RNeedsAFullFenceAtTheReader)
{
    EXPECT_TRUE((explored<R<no_fence, no_fence>>().contains(12)));
    EXPECT_TRUE((explored<R<dmb_st, dmb_st>>().contains(12)));
    EXPECT_TRUE((explored<R<no_fence, dmb>>().contains(12)));
    EXPECT_FALSE((explored<R<dmb, dmb>>().contains(12)));
}

// A store that a reader has seen, against a store of that reader.
template <memory_order Read, FenceFunction Between>
struct S : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(2, memory_order_relaxed);
            Between();
            y.store(1, memory_order_relaxed);
        } else {
            r[0] = y.load(Read);
            x.store(1, memory_order_relaxed);
        }
    }
};

TEST(Litmus, SNeedsOrderBetweenTheStores)
{
    EXPECT_TRUE((explored<S<memory_order_acquire, no_fence>>().contains(100021)));
    EXPECT_FALSE((explored<S<memory_order_acquire, dmb_st>>().contains(100021)));
}

// Two stores of each CPU, in opposite orders.
template <FenceFunction Between>
struct TwoPlusTwoW : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        (cpu == 0 ? x : y).store(1, memory_order_relaxed);
        Between();
        (cpu == 0 ? y : x).store(2, memory_order_relaxed);
    }
};

TEST(Litmus, TwoPlusTwoWNeedsOrderBetweenTheStores)
{
    EXPECT_TRUE((explored<TwoPlusTwoW<no_fence>>().contains(11)));
    EXPECT_FALSE((explored<TwoPlusTwoW<dmb_st>>().contains(11)));
    EXPECT_FALSE((explored<TwoPlusTwoW<release_fence>>().contains(11)));
}

// Two loads of one location.
struct CoRR : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
            x.store(2, memory_order_relaxed);
        } else {
            r[0] = x.load(memory_order_relaxed);
            r[1] = x.load(memory_order_relaxed);
        }
    }
};

TEST(Litmus, CoRRLoadsNeverGoBack)
{
    EXPECT_EQ(explored<CoRR>(), (std::set<u32>{20, 10020, 20020, 110020, 120020, 220020}));
}

// A store that follows a store that its CPU has seen.
template <memory_order Read>
struct WRC : Litmus {
    static constexpr u32 kCpus = 3;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
        } else if (cpu == 1) {
            r[0] = x.load(memory_order_relaxed);
            y.store(1, memory_order_release);
        } else {
            r[1] = y.load(Read);
            r[2] = x.load(memory_order_relaxed);
        }
    }
};

TEST(Litmus, WRCIsForbiddenWithAnAcquireLoad)
{
    EXPECT_TRUE((explored<WRC<memory_order_relaxed>>().contains(110011)));
    EXPECT_FALSE((explored<WRC<memory_order_acquire>>().contains(110011)));
}

// A relaxed read-modify-write overtakes earlier stores; a releasing one does not.
template <memory_order Update>
struct Overtaking : Litmus {
    static constexpr u32 kCpus = 2;
    void run(u32 cpu)
    {
        if (cpu == 0) {
            x.store(1, memory_order_relaxed);
            y.exchange(1, Update);
        } else {
            r[0] = y.load(memory_order_acquire);
            r[1] = x.load(memory_order_relaxed);
        }
    }
};

TEST(Litmus, AReadModifyWriteOvertakesStoresUnlessItReleases)
{
    EXPECT_TRUE((explored<Overtaking<memory_order_relaxed>>().contains(kMessageWithoutData)));
    EXPECT_FALSE((explored<Overtaking<memory_order_release>>().contains(kMessageWithoutData)));
}

struct Increments : Litmus {
    static constexpr u32 kCpus = 3;
    void run(u32) { x.fetch_add(1, memory_order_relaxed); }
};

TEST(Litmus, ReadModifyWritesReadTheNewestValue)
{
    EXPECT_EQ(explored<Increments>(), (std::set<u32>{30}));
}

} // namespace
} // namespace percival::testing

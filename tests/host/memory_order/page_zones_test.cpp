// SPDX-License-Identifier: BSD-2-Clause
// mm/physical/page_zones.hpp with weakly ordered memory: readers without a lock, while zones come and go.
#include "mm/physical/page_zones.hpp"

#include "interrupts.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sync/rcu.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival::testing {
namespace {

constexpr unsigned kPageShift = 12;
constexpr Bytes kBankSize{u64{mm::kMaxPageOrder.pages()} << kPageShift};

constinit mm::PageZones zones;

// Two CPUs, of which CPU 1 reads. The banks lie one after another, from 0 on.
struct Zones {
    static constexpr u32 kCpus = 2;

    static PhysRange bank(u64 n) { return {PhysAddr{0x4000'0000} + kBankSize * n, kBankSize}; }

    void init(mm::PageZone& zone, u64 n)
    {
        zone.init(bank(n), {}, kPageShift, &descriptors[n], {}, mm::ZoneOrigin::Boot);
    }
    void add(mm::PageZone& zone, u64 n)
    {
        init(zone, n);
        zones.add(zone);
    }
    // Looks for the zone of a bank, and uses it.
    void read(u64 n)
    {
        const PreemptGuard reading;
        const mm::PageZone* found = zones.containing(bank(n).base);
        if (found != nullptr && (found->base() != bank(n).base || found->descriptors() != &descriptors[n]))
            wrong = "a reader finds a zone that is not initialized, or is another one by now";
    }
    std::string verdict() const { return wrong; }

    std::array<mm::PageDescriptor, 3> descriptors; // of each bank; only their addresses count
    mm::PageZone first, second;
    std::string wrong;
};

// A zone comes to the front of the list, or behind another one.
struct ComesFirst : Zones {
    ComesFirst() { add(first, 0); }
    void run(u32 cpu)
    {
        if (cpu == 0)
            add(second, 1);
        else
            read(1);
    }
};
struct ComesBehind : Zones {
    ComesBehind() { add(first, 1); }
    void run(u32 cpu)
    {
        if (cpu == 0)
            add(second, 0);
        else
            read(0);
    }
};

// A zone comes, and the one before it goes: a reader may find the way to the new one by either change.
struct ComesAndTheOneBeforeGoes : Zones {
    ComesAndTheOneBeforeGoes() { add(first, 1); }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            add(second, 0);
            zones.remove(first);
        } else {
            read(0);
        }
    }
};

TEST(PageZonesOrder, AReaderFindsAZoneOnlyWhenItIsInitialized)
{
    EXPECT_EQ((judge<ComesFirst, ComesBehind, ComesAndTheOneBeforeGoes>({"mm/physical/page_zones.hpp"})), "");
}

// A zone goes, and its place in memory becomes another bank's.
template <bool WaitsForReaders>
struct BecomesAnother : Zones {
    BecomesAnother()
    {
        mm::cpus_with_root = kCpus;
        handle_ipi(arch::Ipi::Quiesce, &rcu::report_or_ask);
        switch_handler = &rcu::note_quiescent_state;
        set_online(CpuId{0}, {});
        set_online(CpuId{1}, {});
        add(first, 0);
        add(second, 1);
    }
    void run(u32 cpu)
    {
        if (cpu == 1)
            return read(1);
        zones.remove(second);
        if (WaitsForReaders)
            rcu::synchronize();
        second.forget();
        add(second, 2);
    }
};

TEST(PageZonesOrder, AZoneIsUsedForOtherMemoryOnlyAfterItsReaders)
{
    EXPECT_EQ(order_explorer().explore_at_random<BecomesAnother<true>>(1, 1'000).failure, "");
    EXPECT_NE(order_explorer().explore_at_random<BecomesAnother<false>>(1, 1'000).failure, "");
}

} // namespace
} // namespace percival::testing
